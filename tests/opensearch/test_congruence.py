"""The same corpus, filters and queries on Tantivy and on OpenSearch: the same answers."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluation.collections import read_collection
from evaluation.measures import measure
from indexer.draft import Draft
from indexer.service import Indexer
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import open_services
from services.collections import FieldType
from services.embedded.lexical import TantivyStore
from services.filters import Condition, Filter, Group, Junction, Operator
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.lexical import OpenSearchStore
from services.ports.lexical import LexicalEntry, LexicalIndex, Tombstone
from services.queries import LexicalQuery, Sort
from services.rights import Rights
from services.settings import Settings
from tests.lexical.examples import entry, generation, query

pytestmark = pytest.mark.servers

JUDGED = Path(__file__).resolve().parents[1] / "fixtures" / "judged"
FOREIGN = (
    ("de", "Die Häuser der Stadt Hamburg", "Fahrräder brauchen Licht bei Nacht."),
    ("de", "Bremsen am Fahrrad", "Die Bremse quietscht, der Reifen ist platt."),
    ("fr", "Les chaînes de vélo", "Nettoyez la chaîne après la pluie, puis huilez-la."),
    ("ru", "Ёлка и велосипед", "Цепь велосипеда надо смазывать, ещё лучше чистить."),
    ("zh", "自行车链条", "雨天骑行以后用布擦干净链条,再滴一滴油。Python 也可以。"),
    ("ja", "自転車の手入れ", "チェーンに油をさして、ブレーキを確かめます。"),
    ("th", "การดูแลจักรยาน", "เช็ดโซ่ให้แห้งแล้วหยอดน้ำมัน"),
    ("tr", "Isırgan otu ve İstanbul", "Bisiklet zinciri yağmurdan sonra silinir."),
    ("vi", "Việt Nam", "Xích xe đạp cần được lau khô."),
    ("und", "Chain of words", "A bicycle of no known language, chains and oil."),
)


def corpus() -> list[LexicalEntry]:
    """Documents of ten languages, chunked by sentence, with metadata of every type."""
    rows = [json.loads(line) for line in (JUDGED / "corpus.jsonl").read_text("utf-8").splitlines()]
    texts = [("en", row["_id"], row["title"], row["text"]) for row in rows]
    texts += [(code, f"{code} {n}", *both) for n, (code, *both) in enumerate(FOREIGN)]
    return [
        entry(
            name,
            *(f"{sentence}." for sentence in text.split(". ")),
            language=language,
            title=title,
            metadata=metadata(place),
            principals=("staff",) if place % 5 == 0 else (),
        )
        for place, (language, name, title, text) in enumerate(texts)
    ]


def metadata(place: int) -> dict[str, Any]:
    """Values that repeat, arrays, and keys that some documents lack."""
    held: dict[str, Any] = {
        "shelf": ("a", "b", "c")[place % 3],
        "pages": place % 7,
        "price": place / 4,
        "new": place % 2 == 0,
        "day": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=place % 11, microseconds=place),
    }
    if place % 4 == 0:
        held["tags"] = tuple(f"tag {number}" for number in range(place % 6))
    return {key: value for key, value in held.items() if value != () and place % 9 != 8}


def conditions() -> list[Filter | None]:
    """Filters of every operator and junction."""
    day = datetime(2026, 1, 5, tzinfo=UTC)
    plain = [
        Condition("shelf", FieldType.KEYWORD, Operator.IN, ("a", "c")),
        Condition("shelf", FieldType.KEYWORD, Operator.GT, ("a",)),
        Condition("pages", FieldType.INTEGER, Operator.NE, (3,)),
        Condition("price", FieldType.FLOAT, Operator.LTE, (7.5,)),
        Condition("new", FieldType.BOOLEAN, Operator.EQ, (True,)),
        Condition("day", FieldType.DATE, Operator.GTE, (day,)),
        Condition("tags", FieldType.KEYWORD, Operator.NIN, ("tag 0", "tag 2")),
        Condition("absent", FieldType.KEYWORD, Operator.EQ, ("x",)),
    ]
    groups = [
        Group(junction, (plain[first], plain[second]))
        for junction in Junction
        for first, second in ((0, 2), (3, 5), (4, 6))
    ]
    return [None, *plain, *groups]


def queries() -> list[LexicalQuery]:
    """Words of every language, phrases, excluded words and odd text."""
    asked = [
        json.loads(line)["text"]
        for line in (JUDGED / "queries.jsonl").read_text("utf-8").splitlines()
    ]
    found = [query(text) for text in asked]
    found += [query(f"{title} {text}") for _, title, text in FOREIGN]
    found += [
        query("油"),
        query("chain", excluded=("wet", "oil on")),
        query(phrases=("inner tube",)),
        query("chain", phrases=("wet ride", "チェーン")),
        query("chain oil", language="en"),
        query("chain", language="zh"),
        query("chain", rights=Rights(frozenset())),
        query('+- " * ? a:b (c'),
    ]
    return found


@pytest.fixture
async def stacks(
    tmp_path: Path, client: OpenSearchClient, layout: Layout
) -> AsyncIterator[tuple[LexicalIndex, LexicalIndex]]:
    """Both engines with the same documents, some of them changed and deleted since."""
    stores = (TantivyStore(tmp_path), OpenSearchStore(client, layout))
    indexes = [await store.open(generation()) for store in stores]
    entries = corpus()
    for index in indexes:
        assert await index.write([entry("b01", "an older text"), entry("gone", "chain")], []) == {}
        later = [LexicalEntry(held.document, 2, held.chunks) for held in entries]
        assert await index.write(later, [Tombstone("gone", 2)]) == {}
    yield indexes[0], indexes[1]
    for store in stores:
        await store.close()


async def test_filters_facets_and_totals_are_equal(
    stacks: tuple[LexicalIndex, LexicalIndex],
) -> None:
    """For every filter with words and without: counts, values, documents and their order."""
    embedded, server = stacks
    keys = ("shelf", "pages", "price", "new", "day", "tags", "absent")
    for only in conditions():
        for asked in (query(only=only), query("chain light", only=only)):
            facets = dict.fromkeys(keys, only) | {"shelf": None}
            assert await server.survey(asked, facets) == await embedded.survey(asked, facets)
            for sort in (None, Sort("price"), Sort("tags", descending=True)):
                listed = await server.browse(asked, sort, 50)
                assert listed == await embedded.browse(asked, sort, 50)
    assert await server.versions("", 100) == await embedded.versions("", 100)


async def test_words_find_the_same_chunks_in_nearly_the_same_order(
    stacks: tuple[LexicalIndex, LexicalIndex],
) -> None:
    """The same chunks for every query; scores differ by a factor and by how empty titles count."""
    embedded, server = stacks
    agreeing = 0
    asked = queries()
    for one in asked:
        ours, theirs = await embedded.search(one, 1_000), await server.search(one, 1_000)
        assert {hit.ref for hit in theirs} == {hit.ref for hit in ours}
        if ours:
            agreeing += theirs[0].ref == ours[0].ref
            top = min(10, len(ours))
            shared = {hit.ref for hit in ours[:top]} & {hit.ref for hit in theirs[:top]}
            assert len(shared) >= 0.8 * top
        else:
            agreeing += 1
        names = [held.document.id for held in corpus()]
        assert await server.matching(one, names) == await embedded.matching(one, names)
    assert agreeing >= 0.95 * len(asked)


async def test_the_whole_pipeline_ranks_as_well(
    tmp_path: Path, opensearch_url: str, layout: Layout
) -> None:
    """Ingested and searched on both stacks: equal totals and facets, nDCG@10 within .01."""
    judged = read_collection(JUDGED)
    drafts = [
        Draft(held.id, held.text, held.title, metadata={"shelf": held.id[0]})
        for held in judged.documents()
    ]
    found: list[dict[str, SearchAnswer]] = []
    for place, url in enumerate(("", opensearch_url)):
        settings = Settings(
            data_dir=tmp_path / str(place),
            opensearch_url=url,
            opensearch_prefix=layout.prefix,
            bi_encoder="hashing",
            cross_encoder="",
            deadline_ms=60_000,
        )
        async with open_services(settings) as services:
            indexer = Indexer(services)
            await indexer.ensure_collection("books")
            await indexer.put("books", drafts)
            await indexer.index_pending("books")
            service = SearchService(services)
            found.append(
                {
                    name: await service.search("books", SearchRequest(query=text, facets=["shelf"]))
                    for name, text in judged.queries.items()
                }
            )
    embedded, server = found
    for name, answer in server.items():
        assert answer.degraded == embedded[name].degraded == []
        assert answer.total == embedded[name].total
        assert answer.facets == embedded[name].facets
    figures = [
        measure(
            judged.judgments,
            {name: [result.id for result in answer.results] for name, answer in answers.items()},
        ).means["nDCG@10"]
        for answers in found
    ]
    assert figures[0] == pytest.approx(figures[1], abs=0.01)
    assert figures[1] > 0.4  # vectors of hashed words add noise
