"""What verification finds of each kind of fault, and that reconciliation mends it for good."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from qdrant_edge import Point

from indexer.consistency.comparing import Engine, Kind
from indexer.consistency.headway import Headway
from indexer.draft import Draft
from indexer.outcomes import Progress
from indexer.reconciliation import Repairs, reconcile
from indexer.service import Indexer
from indexer.verification import LISTED, Discrepancies, verify
from services.assembly import Services
from services.documents import Chunk, ChunkRef
from services.embedded.vectors.index import EdgeIndex
from services.embedded.vectors.shard import TEXT, Shard
from services.generations import Generation
from services.points.payload import chunk_payload
from services.ports.ledger import DeadLetter, Write
from services.ports.lexical import LexicalEntry, LexicalIndex, Tombstone
from services.ports.vectors import VectorEntry, VectorIndex
from tests.ledger.examples import delete, put
from tests.lexical.examples import entry

LONG = "\n\n".join(f"Paragraph {n} of the book. " + "word " * 60 for n in range(12))


@pytest.fixture
async def indexed(services: Services, indexer: Indexer) -> Services:
    """The collection ``books`` of a, b and c (of several chunks), d deleted; all indexed."""
    drafts = [Draft("a", "Boats"), Draft("b", "Trains"), Draft("c", LONG), Draft("d", "Cars")]
    await indexer.put("books", drafts)
    await indexer.index_pending("books")
    await indexer.delete("books", ["d"])
    await indexer.index_pending("books")
    return services


async def _live(services: Services) -> Generation:
    return (await services.ledger.collections.head("books")).live


async def _engines(services: Services) -> tuple[LexicalIndex, VectorIndex]:
    live = await _live(services)
    return await services.lexical.open(live), await services.vectors.open(live)


async def _verified(services: Services) -> Discrepancies:
    return await verify(services, await _live(services))


def _short(found: Discrepancies) -> list[tuple[str, Engine, Kind]]:
    return [(each.document_id, each.engine, each.kind) for each in found.listed]


def _vectors_of(entry_: LexicalEntry) -> VectorEntry:
    vectors = np.ones((len(entry_.chunks), 64), np.float32)
    return VectorEntry(entry_.document, entry_.version, entry_.chunks, vectors)


async def _mended(services: Services, indexer: Indexer) -> Repairs:
    """Repair until nothing is found, which two passes achieve; then nothing is written."""
    repairs = await reconcile(services, "books")
    await indexer.index_pending("books")
    found = await _verified(services)
    assert not found.total, found.listed
    head = await services.ledger.collections.head("books")
    again = await reconcile(services, "books")
    assert not again.wrote
    assert await services.ledger.collections.head("books") == head
    return repairs


async def test_what_agrees_is_clean(indexed: Services) -> None:
    """Every document is compared, tombstones too; progress counts those that are there."""
    seen: list[Progress] = []
    headway = Headway(lambda _, progress: seen.append(progress))
    headway.expect(3)
    found = await verify(indexed, await _live(indexed), headway)
    assert (found.documents, found.pending, found.refused, found.total) == (4, 0, 0, 0)
    assert [(each.documents, each.total) for each in (seen[0], seen[-1])] == [(0, 3), (3, 3)]
    assert not (await reconcile(indexed, "books")).wrote


async def test_a_document_that_an_engine_never_got_is_missing(
    indexed: Services, indexer: Indexer
) -> None:
    """Marked as indexed without its vectors, it is found, and indexed again as it is."""
    (accepted,) = await indexed.ledger.documents.accept("books", [put("e", "Planes")])
    lexical, _ = await _engines(indexed)
    await lexical.write([entry("e", "Planes", version=accepted.version)], [])
    await indexed.ledger.documents.mark(await _live(indexed), {"e": accepted.version})
    found = await _verified(indexed)
    assert _short(found) == [("e", Engine.VECTORS, Kind.MISSING)]
    assert dict(found.counts) == {(Engine.VECTORS, Kind.MISSING): 1}
    repairs = await _mended(indexed, indexer)
    assert (repairs.unmarked, repairs.superseded) == (1, 0)
    assert (await indexer.get("books", "e")).version == accepted.version


async def test_an_older_version_is_stale(indexed: Services, indexer: Indexer) -> None:
    """A write that reached the ledger and no engine is indexed again."""
    (accepted,) = await indexed.ledger.documents.accept("books", [put("a", "Ships")])
    await indexed.ledger.documents.mark(await _live(indexed), {"a": accepted.version})
    found = await _verified(indexed)
    assert _short(found) == [("a", engine, Kind.STALE) for engine in Engine]
    assert (found.listed[0].version, found.listed[0].found) == (2, 1)
    assert (await _mended(indexed, indexer)).unmarked == 1


async def test_a_deletion_that_an_engine_missed_leaves_a_phantom(
    indexed: Services, indexer: Indexer
) -> None:
    """It is deleted there too."""
    (accepted,) = await indexed.ledger.documents.accept("books", [delete("a")])
    lexical, _ = await _engines(indexed)
    await lexical.write([], [Tombstone("a", accepted.version)])
    await indexed.ledger.documents.mark(await _live(indexed), {"a": accepted.version})
    assert _short(await _verified(indexed)) == [("a", Engine.VECTORS, Kind.PHANTOM)]
    assert (await _mended(indexed, indexer)).unmarked == 1


async def test_what_the_ledger_does_not_know_is_a_phantom(
    indexed: Services, indexer: Indexer
) -> None:
    """It gets a tombstone above its version, in the ledger and in the engines."""
    lexical, vectors = await _engines(indexed)
    unknown = entry("x", "Unknown", version=7)
    await lexical.write([unknown], [])
    await vectors.write([_vectors_of(unknown)], [])
    found = await _verified(indexed)
    assert _short(found) == [("x", engine, Kind.PHANTOM) for engine in Engine]
    assert (await _mended(indexed, indexer)).superseded == 1
    record = (await indexed.ledger.documents.read("books", ["x"]))["x"]
    assert (record.version, record.document) == (8, None)


@pytest.mark.parametrize("deleted", [False, True])
async def test_an_engine_ahead_of_the_ledger_is_overtaken(
    indexed: Services, indexer: Indexer, deleted: bool
) -> None:
    """As where a ledger was put back from an older copy: the ledger's word holds."""
    lexical, vectors = await _engines(indexed)
    if deleted:
        for engine in (lexical, vectors):
            await engine.write([], [Tombstone("a", 9)])
    else:
        ahead = entry("a", "Another text", version=9)
        await lexical.write([ahead], [])
        await vectors.write([_vectors_of(ahead)], [])
    kind = Kind.MISSING if deleted else Kind.STALE
    assert _short(await _verified(indexed)) == [("a", engine, kind) for engine in Engine]
    assert (await _mended(indexed, indexer)).superseded == 1
    record = await indexer.get("books", "a")
    assert record.document is not None
    assert (record.version, record.document.text) == (10, "Boats")


async def test_lost_chunks_are_missing(indexed: Services, indexer: Indexer) -> None:
    """A record that speaks of more chunks than are there does not deceive."""
    _, vectors = await _engines(indexed)
    lost = (await _chunks_of(indexed, "c"))[2].ref
    _shard_of(vectors).delete([lost.uuid])
    found = await _verified(indexed)
    assert _short(found) == [("c", Engine.VECTORS, Kind.MISSING)]
    assert "chunks in place of" in found.listed[0].detail
    assert (await _mended(indexed, indexer)).superseded == 1


async def test_fewer_chunks_in_one_engine_are_missing(indexed: Services, indexer: Indexer) -> None:
    """Each engine is well by itself, but the sets differ."""
    _, vectors = await _engines(indexed)
    chunks = await _chunks_of(indexed, "c")
    document = (await indexer.get("books", "c")).document
    assert document is not None
    await indexed.ledger.documents.accept("books", [Write("c", replace(document, title="New"))])
    lexical, _ = await _engines(indexed)
    newer = [replace(chunk, version=2) for chunk in chunks]
    await lexical.write([LexicalEntry(replace(document, language="en"), 2, newer)], [])
    await vectors.write([_vectors_of(LexicalEntry(document, 2, newer[:-1]))], [])
    await indexed.ledger.documents.mark(await _live(indexed), {"c": 2})
    assert _short(await _verified(indexed)) == [("c", Engine.VECTORS, Kind.MISSING)]
    assert (await _mended(indexed, indexer)).superseded == 1


async def test_chunks_of_two_versions_are_duplicates(indexed: Services, indexer: Indexer) -> None:
    """An old chunk beside the new ones is found and goes."""
    _, vectors = await _engines(indexed)
    chunk = (await _chunks_of(indexed, "c"))[1]
    await indexer.put("books", [Draft("c", LONG + " The end.")])
    await indexer.index_pending("books")
    payload = {"document": "c", "version": 1, **chunk_payload(chunk, "")}
    _shard_of(vectors).upsert([Point(chunk.ref.uuid, {TEXT: [1.0] * 64}, payload)], 64)
    assert _short(await _verified(indexed)) == [("c", Engine.VECTORS, Kind.DUPLICATE)]
    assert (await _mended(indexed, indexer)).superseded == 1


async def test_what_is_pending_or_refused_is_not_judged(indexed: Services) -> None:
    """It is on its way, or on the list of dead letters."""
    live = await _live(indexed)
    await indexed.ledger.documents.accept("books", [put("a", "New"), put("new"), put("b", "Odd")])
    letters = [DeadLetter("b", 2, "odd", datetime.now(UTC))]
    await indexed.ledger.documents.mark(live, {}, letters)
    found = await _verified(indexed)
    assert (found.documents, found.pending, found.refused, found.total) == (5, 2, 1, 0)
    assert not (await reconcile(indexed, "books")).wrote


async def test_wiped_engines_are_filled_again(indexed: Services, indexer: Indexer) -> None:
    """Everything is missing, and everything comes back; nothing takes a new version."""
    live = await _live(indexed)
    await indexed.lexical.drop(live)
    await indexed.vectors.drop(live)
    found = await _verified(indexed)
    assert found.total == 6
    repairs = await _mended(indexed, indexer)
    assert (repairs.unmarked, repairs.superseded) == (3, 0)


async def test_writes_meanwhile_are_no_faults(services: Services, indexer: Indexer) -> None:
    """Documents come, change and go while they are compared: nothing is found, ever."""
    done = asyncio.Event()

    async def write() -> None:
        for number in range(15):
            names = [f"{number % 7}", f"{number % 5 + 3}"]
            await indexer.put("books", [Draft(name, f"Text {number}") for name in names])
            if number % 3 == 0:
                await indexer.delete("books", [f"{number % 4}"])
            await indexer.index_pending("books")
        done.set()

    async def watch() -> None:
        while not done.is_set():
            found = await _verified(services)
            assert not found.total, found.listed

    await asyncio.gather(write(), watch())
    assert not (await _verified(services)).total


async def test_a_long_report_names_the_first(services: Services, indexer: Indexer) -> None:
    """It counts them all, in batches as the walk goes on."""
    writes = [put(f"{number:03}") for number in range(LISTED // 2 + 100)]
    await services.ledger.documents.accept("books", writes)
    marks = {write.document_id: 1 for write in writes}
    await services.ledger.documents.mark(await _live(services), marks)
    found = await _verified(services)
    assert len(found.listed) == LISTED
    assert found.listed[-1].document_id == f"{LISTED // 2 - 1:03}"
    assert dict(found.counts) == {(engine, Kind.MISSING): len(writes) for engine in Engine}
    assert (await reconcile(services, "books")).unmarked == len(writes)
    assert await services.ledger.documents.backlog(await _live(services)) == len(writes)


async def _chunks_of(services: Services, identifier: str) -> Sequence[Chunk]:
    """The chunks of a document that has several."""
    lexical, _ = await _engines(services)
    held = (await lexical.holdings([identifier]))[identifier]
    read = await lexical.read([ChunkRef(identifier, ordinal) for ordinal in range(held.chunks)])
    assert len(read) > 2
    return [read[ref] for ref in sorted(read)]


def _shard_of(index: VectorIndex) -> Shard:
    """What lies below an embedded index: a broken disk asks no port."""
    assert isinstance(index, EdgeIndex)
    return index._shard
