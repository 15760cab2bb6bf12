"""Searches over the real embedded stack."""

import asyncio

import pytest

from indexer.draft import Draft
from search_api.request import SearchRequest
from services.errors import (
    CollectionNotFound,
    InvalidFilter,
    InvalidInput,
    PageExpired,
)
from services.rights import Rights

from .conftest import LIBRARY, Library


def ids(answer: object) -> list[str]:
    return [result.id for result in answer.results]  # type: ignore[attr-defined]


async def test_a_hybrid_search_runs_every_stage_and_says_so(library: Library) -> None:
    """Both legs, fusion, the ledger, the window, aggregation, passages: each with its time."""
    answer = await library.search("brewing coffee", explain=True)
    names = [stage.name for stage in answer.stages]
    for name in ("embed", "lexical", "vector", "fusion", "ledger", "rerank", "passages"):
        assert name in names
    assert answer.degraded == []
    assert answer.reranked
    assert answer.models["cross_encoder"].worker
    assert answer.window is not None
    assert answer.window.scored == answer.window.size > 0
    best = answer.results[0]
    assert best.id == "coffee"
    assert best.scored_by == "cross-encoder"
    assert best.explain is not None
    assert best.explain.lexical is not None
    assert best.explain.lexical.rank >= 1
    assert best.explain.cross_encoder is not None
    assert best.explain.fused_rank is not None


async def test_passages_are_the_documents_text_and_highlights_the_words(library: Library) -> None:
    """Offsets are code points: of the document for passages, of the passage for highlights."""
    answer = await library.search("brewed coffee", rerank="none", mode="lexical")
    texts = {draft.id: draft.text for draft in LIBRARY}
    for result in answer.results:
        for passage in result.passages:
            assert texts[result.id][passage.start : passage.end] == passage.text
            for span in passage.highlights:
                word = passage.text[span.start : span.end].lower()
                assert span.kind == "word"
                assert word.startswith(("brew", "coffee"))
    assert answer.results[0].passages[0].highlights


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
@pytest.mark.parametrize("rerank", ["auto", "none", "cross-encoder"])
async def test_modes_and_reranking_combine(library: Library, mode: str, rerank: str) -> None:
    """Any mode with any reranking finds the document that says it."""
    answer = await library.search("iced coffee", mode=mode, rerank=rerank)
    assert answer.results[0].id == "iced"
    assert answer.mode == mode
    assert answer.reranked == (rerank != "none")
    assert answer.total.relation == ("gte" if mode == "vector" else "eq")


async def test_filters_narrow_both_legs_and_facets_ignore_their_own(library: Library) -> None:
    """A facet shows what its other values would give."""
    only_food = {"key": "kind", "type": "eq", "value": "food"}
    answer = await library.search("hot", filters=only_food, facets=["kind", "tags"])
    assert set(ids(answer)) <= {"bread", "a/b c?é", "secret"}
    kinds = {each.value: each.count for each in answer.facets["kind"]}
    assert kinds == {"food": 3, "drink": 2}
    assert {each.value: each.count for each in answer.facets["tags"]} == {"hot": 1}
    assert answer.total.value == 3


async def test_vector_mode_counts_its_candidates_and_says_at_least(library: Library) -> None:
    """Totals by meaning have no exact value."""
    answer = await library.search("hot", mode="vector", facets=["kind"])
    assert answer.total.relation == "gte"
    assert answer.total.value == sum(each.count for each in answer.facets["kind"])


async def test_a_phrase_must_stand_and_an_excluded_word_must_not(library: Library) -> None:
    """Both hold for what the vectors find too."""
    assert set(ids(await library.search('"hot water"'))) == {"tea", "coffee", "a/b c?é"}
    assert "iced" not in ids(await library.search("coffee -ice"))
    assert ids(await library.search('"water hot"')) == []


async def test_no_words_browse_by_id_and_sort_orders_by_a_key(library: Library) -> None:
    """Browsing lists everything that the filter leaves; a missing key comes last."""
    everything = await library.search("")
    assert ids(everything) == sorted(draft.id for draft in LIBRARY)
    assert everything.total.value == len(LIBRARY)
    newest = await library.search("", sort={"key": "year", "descending": True})
    assert ids(newest) == ["iced", "coffee", "bread", "tea", "a/b c?é", "secret"]
    oldest = await library.search("coffee", sort={"key": "year"})
    assert ids(oldest) == ["coffee", "iced"]
    assert oldest.results[0].passages[0].highlights


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
async def test_pages_neither_repeat_nor_skip_whatever_their_size(
    library: Library, size: int
) -> None:
    """The list is frozen: pages of any size cut the same order."""
    whole = await library.search("hot coffee water", size=100)
    page = await library.search("hot coffee water", size=size)
    seen, ranks = ids(page), [result.rank for result in page.results]
    while page.next:
        page = await library.search_service.search(
            library.name, SearchRequest(next=page.next, size=size)
        )
        assert page.results
        seen += ids(page)
        ranks += [result.rank for result in page.results]
    assert seen == ids(whole)
    assert ranks == list(range(1, len(seen) + 1))


async def test_a_page_never_shows_what_was_deleted_since(library: Library) -> None:
    """The order stays frozen, but the ledger has the last word."""
    first = await library.search("hot coffee water", size=1)
    whole = ids(await library.search("hot coffee water", size=100))
    await library.indexer.delete(library.name, [whole[1]])
    second = await library.search_service.search(
        library.name, SearchRequest(next=first.next, size=2)
    )
    assert ids(second) == whole[2:4]


async def test_a_deleted_document_is_gone_before_the_engines_know(library: Library) -> None:
    """The ledger drops it at once; so does a changed one, until its new text is indexed."""
    await library.indexer.delete(library.name, ["coffee"])
    await library.indexer.put(library.name, [Draft("tea", "Now about something else.")])
    found = ids(await library.search("hot water brewing"))
    assert "coffee" not in found
    assert "tea" not in found
    await library.indexer.index_pending(library.name)
    assert "tea" in ids(await library.search("something else"))


async def test_the_cache_answers_again_until_anything_is_written(library: Library) -> None:
    """Same answer, same list; one write and it is computed anew."""
    first = await library.search("tea")
    again = await library.search("tea")
    assert not first.cached
    assert again.cached
    assert again.search_id == first.search_id
    assert again.results == first.results
    await library.add(Draft("chai", "Chai is tea with milk and spices."))
    fresh = await library.search("tea")
    assert not fresh.cached
    assert "chai" in ids(fresh)


async def test_concurrent_equal_searches_are_computed_once(library: Library) -> None:
    """One flight a key: the search id of the first is everybody's."""
    answers = await asyncio.gather(*(library.search("hot sauce") for _ in range(8)))
    assert len({answer.search_id for answer in answers}) == 1


async def test_rights_hide_documents_totals_and_facets(library: Library) -> None:
    """Who may not read a document cannot even count it; caches never cross rights."""
    request = SearchRequest(query="hot sauce", facets=["kind"])
    service = library.search_service
    guest = await service.search("default", request, Rights(frozenset()))
    cook = await service.search("default", request, Rights(frozenset({"cooks"})))
    assert "secret" not in ids(guest)
    assert cook.results[0].id == "secret"
    assert cook.total.value == guest.total.value + 1
    page = await service.search(
        "default", SearchRequest(query="hot", size=1), Rights(frozenset({"cooks"}))
    )
    with pytest.raises(PageExpired):
        await service.search("default", SearchRequest(next=page.next), Rights(frozenset()))


async def test_passages_as_results(library: Library) -> None:
    """``unit: passage`` gives chunks, each with its own rank."""
    long = " ".join(f"Sentence {number} speaks of tea and cups." for number in range(400))
    await library.add(Draft("long", long))
    answer = await library.search("tea cups", unit="passage", size=20)
    assert all(len(result.passages) == 1 for result in answer.results)
    assert ids(answer).count("long") > 1
    document = await library.search("tea cups", size=20)
    assert ids(document).count("long") == 1


async def test_a_long_document_does_not_crowd_out_the_others(library: Library) -> None:
    """Legs deepen until enough distinct documents are found."""
    chatter = " ".join(f"Coffee sentence {number}, coffee again." for number in range(9_000))
    await library.add(Draft("chatter", chatter, metadata={"kind": "novel"}))
    found = ids(await library.search("coffee", rerank="none", mode="lexical"))
    assert {"chatter", "coffee", "iced"} <= set(found)


@pytest.mark.parametrize(
    "query",
    ["", "   ", "***", "🦜", "\x00\x01", "AND OR NOT ( ) : ^ ~", 'text:"', "\\", "a" * 4_096],
)
async def test_any_text_is_answered(library: Library, query: str) -> None:
    """No text reaches a query parser, so none can break one."""
    answer = await library.search(query)
    assert answer.degraded == []


async def test_a_query_over_the_cap_is_refused_with_what_to_do(library: Library) -> None:
    """A hundred thousand characters are no query."""
    with pytest.raises(InvalidInput, match="at most"):
        await library.search("x" * 100_000)


async def test_unknown_collections_keys_and_pages_are_named(library: Library) -> None:
    """Each is a clear error, none an empty answer."""
    with pytest.raises(CollectionNotFound):
        await library.search_service.search("nowhere", SearchRequest(query="tea"))
    with pytest.raises(InvalidFilter, match="declares no key"):
        await library.search("tea", filters={"key": "colour", "type": "eq", "value": "red"})
    with pytest.raises(InvalidInput, match="declares no key"):
        await library.search("tea", facets=["colour"])
    with pytest.raises(InvalidInput, match="declares no key"):
        await library.search("tea", sort={"key": "colour"})
    nested: dict[str, object] = {"key": "kind", "type": "eq", "value": "food"}
    for _ in range(1_000):
        nested = {"type": "and", "filters": [nested]}
    with pytest.raises(InvalidFilter, match="deep"):
        await library.search("tea", filters=nested)
    with pytest.raises(InvalidInput, match="search anew"):
        await library.search_service.search("default", SearchRequest(next="forged"))
