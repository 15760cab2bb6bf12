"""Several writers at once, and what crashed ones leave behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.candidates import FacetValue, IndexedVersion
from services.collections import Collection, FieldType, Schema
from services.documents import ChunkRef
from services.opensearch.bulk import bulk
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from services.opensearch.lexical import OpenSearchStore
from services.opensearch.lexical.rows import chunk_actions
from services.ports.lexical import Tombstone
from tests.ledger.examples import delete, put
from tests.ledger.examples import generation as ledger_generation
from tests.lexical.conformance import ids
from tests.lexical.examples import entry, generation, query

pytestmark = pytest.mark.servers


@pytest.fixture
async def clients(opensearch_url: str) -> AsyncIterator[tuple[OpenSearchClient, ...]]:
    """Two processes' connections."""
    both = (OpenSearchClient(opensearch_url), OpenSearchClient(opensearch_url))
    yield both
    for client in both:
        await client.close()


async def test_chunks_of_a_crashed_write_are_swept_away(
    client: OpenSearchClient, layout: Layout
) -> None:
    """A version of which only chunks were written leaves none beside the next."""
    index = await OpenSearchStore(client, layout).open(generation())
    await index.write([entry("a", "one")], [])
    alias = layout.alias("lexical", generation().name)
    crashed = entry("a", "old", "old", "old", version=2)
    await bulk(client, alias, chunk_actions(crashed))
    await index.write([entry("a", "new", version=3)], [])
    assert await index.search(query("old one"), 10) == []
    assert list(await index.read([ChunkRef("a", place) for place in range(3)])) == [
        ChunkRef("a", 0)
    ]
    await bulk(client, alias, chunk_actions(replace(crashed, version=4)))
    await index.write([], [Tombstone("a", 5)])
    assert await index.search(query("old new"), 10) == []


async def test_the_newest_version_wins_whatever_the_order(
    clients: tuple[OpenSearchClient, ...], layout: Layout
) -> None:
    """Writers of several versions at once leave one version, whole."""
    indexes = [await OpenSearchStore(client, layout).open(generation()) for client in clients]
    for number in range(5):
        name = f"doc {number}"
        writes = [
            entry(name, *["word"] * (6 - version), version=version) for version in range(1, 5)
        ]
        await asyncio.gather(
            *(
                indexes[(place + number) % 2].write([written], [])
                for place, written in enumerate(writes)
            )
        )
    found = await indexes[0].search(query("word"), 100)
    assert {hit.version for hit in found} == {4}
    assert len(found) == 10
    listed = await indexes[1].versions("", 10)
    assert listed == [IndexedVersion(f"doc {number}", 4, 2) for number in range(5)]


async def test_two_processes_share_a_ledger(
    clients: tuple[OpenSearchClient, ...], layout: Layout
) -> None:
    """Every write takes a version of its own, every mark and schema arrives."""
    ledgers = [OpenSearchLedger(client, layout) for client in clients]
    live = (await ledgers[0].collections.create(Collection("books"), ledger_generation())).live
    results = await asyncio.gather(
        *(
            ledgers[number % 2].documents.accept("books", [put("a", f"{number}"), put(f"{number}")])
            for number in range(16)
        )
    )
    assert sorted(first.version for first, _ in results) == list(range(1, 17))
    fields = [
        Collection("books", Schema({f"key {number}": FieldType.KEYWORD})) for number in range(6)
    ]
    await asyncio.gather(
        *(
            ledgers[number % 2].collections.extend_schema(extended)
            for number, extended in enumerate(fields)
        ),
        *(
            ledgers[number % 2].documents.mark(live, {f"{number}": 1, "a": 16})
            for number in range(16)
        ),
    )
    assert len((await ledgers[0].collections.get("books")).schema.fields) == 6
    for ledger in ledgers:
        assert await ledger.documents.pending(live, 10) == []
    assert (await ledgers[1].collections.head("books")).epoch == 32


async def test_a_collection_deleted_by_another_process_is_gone(
    clients: tuple[OpenSearchClient, ...], layout: Layout
) -> None:
    """What a process remembers of it does not outlive it, a new one of its name included."""
    first, second = (OpenSearchLedger(client, layout) for client in clients)
    await first.collections.create(Collection("books"), ledger_generation())
    await first.documents.accept("books", [put("a")])
    assert list(await second.documents.summaries("books", ["a"])) == ["a"]
    await first.collections.delete("books")
    await first.collections.create(Collection("books"), ledger_generation())
    assert await second.documents.summaries("books", ["a"]) == {}
    assert await second.documents.count("books") == 0


async def test_summaries_are_never_late(
    clients: tuple[OpenSearchClient, ...], layout: Layout
) -> None:
    """Another process's change is seen at once, before any refresh, and so is a long summary."""
    first, second = (OpenSearchLedger(client, layout) for client in clients)
    await first.collections.create(Collection("books"), ledger_generation())
    await first.documents.accept("books", [put("a"), put("b"), put("long", note="x" * 8_100)])
    assert await first.documents.count("books") == 3  # refreshes
    await first.documents.accept("books", [put("a", "changed"), delete("b"), put("new")])
    asked = ["new", "long", "b", "a", "absent"]
    found = await second.documents.summaries("books", asked)
    assert {name: held.version for name, held in found.items()} == {"new": 1, "long": 1, "a": 2}
    assert list(found) == ["new", "long", "a"]
    assert found["long"].metadata == {"note": "x" * 8_100}


async def test_shards_change_no_answer(client: OpenSearchClient, layout: Layout) -> None:
    """Scores, order, totals and facets of three shards are those of one; either refresh."""
    spread = replace(layout, prefix=f"{layout.prefix}-3", shards=3, refresh="wait_for")
    indexes = [await OpenSearchStore(client, one).open(generation()) for one in (layout, spread)]
    entries = [
        entry(f"doc {n:02}", f"boat {'zeppelin ' * (n % 4)}", "a lake", metadata={"n": n % 30})
        for n in range(60)
    ]
    for index in indexes:
        await index.write(entries, [])
    one, three = [await index.search(query("zeppelin lake"), 200) for index in indexes]
    assert [hit.ref for hit in one] == [hit.ref for hit in three]
    assert [hit.score for hit in one] == pytest.approx([hit.score for hit in three])
    survey = await indexes[1].survey(query("boat"), {"n": None})
    assert survey.total == 60
    assert list(survey.facets["n"]) == [FacetValue(n, 2) for n in range(30)]
    assert len(ids(await indexes[1].search(query("boat"), 7))) == 7
