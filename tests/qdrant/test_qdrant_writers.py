"""Several writers at once, and writers that die: what stands is the newest, or superseded."""

import asyncio
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import AsyncQdrantClient

from services.candidates import Hit
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorIndex
from services.qdrant import QdrantStore
from services.queries import Scope
from tests.qdrant.stores import LOCAL_MODE, Gate, Hesitant, qdrant_store
from tests.vectors.examples import direction, entry, generation, query

pytestmark = [*LOCAL_MODE]

VERSIONS = 4
PAUSES = st.lists(st.integers(0, 6), min_size=40, max_size=40)
CHUNKS = st.lists(st.integers(0, 3), min_size=VERSIONS, max_size=VERSIONS)
DELETED = st.sets(st.integers(1, VERSIONS))


async def writers(
    store: QdrantStore, client: AsyncQdrantClient, pauses: Iterator[int]
) -> list[VectorIndex]:
    """An index for each of several processes on the same points."""
    await store.open(generation())
    stores = [QdrantStore(Hesitant(client, pauses), store._configuration) for _ in range(VERSIONS)]
    return [await each.open(generation()) for each in stores]


async def write(index: VectorIndex, version: int, chunks: Sequence[int], deleted: set[int]) -> None:
    """One version of the document "a": a deletion, or so many chunks."""
    if version in deleted:
        await index.write([], [Tombstone("a", version)])
    else:
        vectors = [direction(1.0)] * chunks[version - 1]
        await index.write([entry("a", vectors, version=version)], [])


async def found(index: VectorIndex) -> list[tuple[int, int]]:
    """Ordinal and version of each chunk that a search finds."""
    run: Sequence[Hit] = await index.search(query(1.0), Scope(), 20)
    return [(hit.ref.ordinal, hit.version) for hit in run]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(1, VERSIONS + 1)), chunks=CHUNKS, deleted=DELETED, pauses=PAUSES)
async def test_the_newest_stands_whole_and_alone(
    order: list[int], chunks: list[int], deleted: set[int], pauses: list[int]
) -> None:
    """However the requests of four writers of one document interleave."""
    async with qdrant_store() as (store, client):
        indexes = await writers(store, client, iter(pauses))
        await asyncio.gather(
            *(
                write(index, version, chunks, deleted)
                for index, version in zip(indexes, order, strict=True)
            )
        )
        newest = 0 if VERSIONS in deleted else chunks[VERSIONS - 1]
        assert await found(indexes[0]) == [(ordinal, VERSIONS) for ordinal in range(newest)]
        listed = [each.version for each in await indexes[0].versions("", 5)]
        assert listed == ([] if VERSIONS in deleted else [VERSIONS])


@settings(max_examples=30, deadline=None)
@given(
    order=st.permutations(range(1, VERSIONS + 1)),
    chunks=CHUNKS,
    deleted=DELETED,
    pauses=PAUSES,
    dying=st.dictionaries(st.integers(1, VERSIONS), st.integers(0, 30)),
)
async def test_writers_that_die_never_undo_the_newest(
    order: list[int],
    chunks: list[int],
    deleted: set[int],
    pauses: list[int],
    dying: dict[int, int],
) -> None:
    """Cut short anywhere, then the newest again: it stands whole and alone."""
    async with qdrant_store() as (store, client):
        indexes = await writers(store, client, iter(pauses))
        tasks = {
            version: asyncio.create_task(write(index, version, chunks, deleted))
            for index, version in zip(indexes, order, strict=True)
        }
        for moment in range(31):
            for version in (each for each, at in dying.items() if at == moment):
                tasks[version].cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await write(indexes[0], VERSIONS, chunks, deleted)
        newest = 0 if VERSIONS in deleted else chunks[VERSIONS - 1]
        assert await found(indexes[0]) == [(ordinal, VERSIONS) for ordinal in range(newest)]


async def test_an_old_write_between_the_newer_ones_steps_leaves_nothing() -> None:
    """Written after the newer one's chunks, on record and swept before the newer one is."""
    async with qdrant_store() as (store, client):
        own = store._configuration
        # It reads and writes at once, then waits before its record.
        before_record = Gate()
        newer = await QdrantStore(Hesitant(client, iter([0, 0, before_record])), own).open(
            generation()
        )
        first = asyncio.create_task(newer.write([entry("a", [direction(1.0)], version=2)], []))
        await before_record.reached.wait()
        late = await QdrantStore(client, own).open(generation())
        await late.write([entry("a", [direction(1.0)] * 3)], [])
        assert await found(newer) == [(0, 2), (1, 1), (2, 1)]
        before_record.opened.set()
        await first
        assert await found(newer) == [(0, 2)]
