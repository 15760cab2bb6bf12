"""Spans by meaning: where they may stand, and that a page never waits for them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.draft import Draft
from search_api.answer import PassageAnswer, SearchAnswer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.analysis.meaning import (
    MAX_SPANS,
    NEAR,
    Text,
    TokenPlaces,
    meaning_highlights,
    unanswered,
)
from services.analysis.terms import query_terms, terms
from services.assembly import Services, open_services
from services.documents import ChunkRef
from services.errors import BackendUnavailable
from services.models.hashing import HashingBiEncoder, WordCounter
from services.models.loading import load_bi_encoder
from services.ports.models import BiEncoder, Passage
from services.ports.vectors import TokenVectors
from services.settings import Settings
from tests.search_api.conftest import Library, stocked

STREETS = [
    Draft("street", "The straße beside our river is narrow and long.", "Streets"),
    Draft("alley", "An alley is narrow, and so is a strasse.", "Alleys"),
    Draft("bread", "Bread dough rises before it is baked in a hot oven.", "Baking bread"),
]
# The analyzers hold "straße" and "strasse" apart; folded by case they are the same word, and
# so to the hashing encoder.
QUERY = "narrow strasse"

words = st.sampled_from(["alpha", "beta", "gamma", "delta", "zeta,", "eta.", "after", "the"])
texts = st.lists(words, max_size=12).map(" ".join)


def text_of(encoder: BiEncoder, text: str, *, asked: bool = False) -> Text:
    encoded = encoder.encode_queries([text]) if asked else encoder.encode_passages([Passage(text)])
    assert encoded.tokens is not None
    assert encoded.offsets is not None
    analyzed = query_terms("en", text) if asked else terms("en", text)
    return Text(analyzed, TokenPlaces(encoded.tokens[0], encoded.offsets[0]))


def placed(text: str, vectors: list[list[float]], *, asked: bool = False) -> Text:
    """A text with the vectors of its tokens laid down by hand."""
    analyzed = query_terms("en", text) if asked else terms("en", text)
    return Text(analyzed, TokenPlaces(np.array(vectors, np.float16), WordCounter().spans(text)))


def test_a_near_word_is_marked_as_a_whole() -> None:
    """The one that is nearest to the word that the passage lacks."""
    query = placed("folder", [[1, 0]], asked=True)
    passage = placed("open this directory now please", [[0, 1], [0, 1], [0.9, 0.4], [0, 1], [0, 1]])
    assert meaning_highlights("en", query, passage) == [(10, 19)]


def test_what_is_not_near_is_not_marked() -> None:
    """Below the limit, however far it stands out of its passage."""
    query = placed("folder", [[1, 0]], asked=True)
    below = NEAR - 0.02
    passage = placed("open directory please", [[0, 1], [below, (1 - below**2) ** 0.5], [0, 1]])
    assert meaning_highlights("en", query, passage) == []


def test_what_does_not_stand_out_is_not_marked() -> None:
    """A passage that is near as a whole says nothing about one of its words."""
    query = placed("folder", [[1, 0]], asked=True)
    passage = placed("open directory please", [[0.9, 0.4]] * 3)
    assert meaning_highlights("en", query, passage) == []


def test_a_word_nearer_to_another_word_of_the_query_is_not_marked() -> None:
    """Else what stands for one word would be marked for its neighbours too."""
    query = placed("folder home", [[1, 0], [0.8, 0.6]], asked=True)
    passage = placed("home directory opens quickly", [[0, 1], [0.8, 0.6], [0, 1], [0, 1]])
    assert meaning_highlights("en", query, passage) == []


def test_words_of_grammar_ask_for_nothing() -> None:
    """They are searched for, but no word of a passage answers them."""
    asked = query_terms("en", "several files after another")
    assert {term[:4] for term in unanswered("en", asked, terms("en", "tea"))} == {"file"}
    assert unanswered("en", asked, terms("en", "A file.")) == frozenset()


@settings(max_examples=60)
@given(texts, texts)
def test_spans_are_whole_words_that_the_query_does_not_hold(query: str, passage: str) -> None:
    """At most a few, in order, apart from each other and from words that match literally."""
    encoder = HashingBiEncoder(token_dimensions=2)  # so few that chance brings words together
    asked, held = text_of(encoder, query, asked=True), text_of(encoder, passage)
    spans = meaning_highlights("en", asked, held)
    literal = {term.text for term in asked.terms}
    free = [(term.start, term.end) for term in held.terms if term.text not in literal]
    assert len(spans) <= MAX_SPANS
    assert spans == sorted(set(spans))
    assert set(spans) <= set(free)


@pytest.fixture
async def streets(tmp_path: Path) -> AsyncIterator[Library]:
    settings = Settings(
        data_dir=tmp_path, bi_encoder="hashing", cross_encoder="", token_dimensions=64,
        deadline_ms=20_000, _env_file=None,
    )  # fmt: skip
    async with open_services(settings) as services:
        yield await stocked(services, *STREETS)


def marked(answer: SearchAnswer, identifier: str) -> dict[str, list[str]]:
    """The marked texts of a result's best passage, by kind."""
    passage = next(each.passages[0] for each in answer.results if each.id == identifier)
    return {kind: spans_of(passage, kind) for kind in ("word", "meaning")}


def spans_of(passage: PassageAnswer, kind: str) -> list[str]:
    return [passage.text[each.start : each.end] for each in passage.highlights if each.kind == kind]


async def test_passages_say_what_answers_in_other_words(streets: Library) -> None:
    """Beside the words; where the word itself stands, nothing else is marked for it."""
    answer = await streets.search(QUERY)
    assert marked(answer, "street") == {"word": ["narrow"], "meaning": ["straße"]}
    assert marked(answer, "alley") == {"word": ["narrow", "strasse"], "meaning": []}
    assert marked(answer, "bread") == {"word": [], "meaning": []}


async def test_later_pages_are_marked_too(streets: Library) -> None:
    """The query is embedded again there, mostly from the embedder's memory."""
    first = await streets.search(QUERY, size=1)
    request = SearchRequest(next=first.next)
    rest = await streets.search_service.search(streets.name, request)
    shown = {each.id: first for each in first.results} | {each.id: rest for each in rest.results}
    assert marked(shown["street"], "street")["meaning"] == ["straße"]


async def test_without_late_interaction_words_alone_are_marked(streets: Library) -> None:
    """No token vector is read for a search that did not use any."""
    answer = await streets.search(QUERY, rerank="none")
    assert marked(answer, "street") == {"word": ["narrow"], "meaning": []}


async def test_a_page_goes_out_when_tokens_cannot_be_read(streets: Library) -> None:
    """It is decoration: nothing is said, nothing is degraded."""
    services = replace(streets.services, vectors=_Unmarked(streets.services))
    library = replace(streets, search_service=SearchService(services))
    answer = await library.search(QUERY)
    assert answer.reranked
    assert answer.degraded == []
    assert marked(answer, "street") == {"word": ["narrow"], "meaning": []}


@pytest.mark.slow
async def test_the_default_model_finds_other_words(tmp_path: Path) -> None:
    """A folder is a directory, and to run is to execute: marked; plain words are not."""
    encoder = load_bi_encoder(Settings(data_dir=tmp_path, hub=False, _env_file=None))
    query = "current working folder"
    passage = "Return a bytes string representing the current working directory."
    spans = meaning_highlights("en", text_of(encoder, query, asked=True), text_of(encoder, passage))
    assert [passage[start:end] for start, end in spans] == ["directory"]
    spans = meaning_highlights(
        "en", text_of(encoder, "bake a cake", asked=True), text_of(encoder, passage)
    )
    assert spans == []


class _Unmarked:
    """A vector store whose token vectors cannot be read back, and all else can."""

    def __init__(self, services: Services) -> None:
        self._store = services.vectors

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def open(self, generation: object) -> object:
        index = await self._store.open(generation)  # type: ignore[arg-type]  # passed on
        return _UnmarkedIndex(index)


class _UnmarkedIndex:
    def __init__(self, index: object) -> None:
        self._index = index

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    async def token_vectors(self, refs: list[ChunkRef]) -> dict[ChunkRef, TokenVectors]:
        raise BackendUnavailable(f"{len(refs)} chunks cannot be read.")
