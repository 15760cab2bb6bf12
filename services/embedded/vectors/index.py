"""One generation's vector index on Edge."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from services.candidates import Holding, IndexedVersion, Run
from services.documents import Chunk, ChunkRef
from services.embedded.vectors.catalog import Catalog
from services.embedded.vectors.columns import Columns
from services.embedded.vectors.conditions import EdgeCompiler
from services.embedded.vectors.inventory import Found, compared, count_points, possible_refs
from services.embedded.vectors.shard import Shard
from services.embedded.vectors.writer import Writer
from services.errors import BackendUnavailable
from services.generations import EncoderFingerprint
from services.points.payload import PASSAGE, chunk_of
from services.points.searching import (
    TIES_PER_CALL,
    TOKENS,
    Comparison,
    PointSearch,
    cut_cleanly,
    run_of,
)
from services.points.stored import stored_vectors
from services.ports.lexical import Tombstone
from services.ports.vectors import StoredVectors, TokenVectors, VectorEntry
from services.queries import Scope

T = TypeVar("T")

# Bounds the time that one call holds the global lock: a few milliseconds.
_REFS_PER_CALL = 256
_COMPARED_PER_CALL = 3_072  # a chunk with a vector of the query
_FEWEST_PER_CALL = 32
_TOKENED_PER_CALL = 4


class EdgeIndex(PointSearch):
    """Implements :class:`services.ports.vectors.VectorIndex`.

    Writes have one thread and reads another: between two of a write's small batches there
    is always room for a search.
    """

    def __init__(self, path: Path, encoder: EncoderFingerprint) -> None:
        """Load the index; blocks.

        Raises:
            DataFormatUnsupported: a newer Winnow wrote it.
            BackendUnavailable: its files cannot be read.
        """
        super().__init__(encoder)
        with ExitStack() as opened:
            self._write_catalog = Catalog(path / "catalog.sqlite")
            opened.callback(self._write_catalog.close)
            self._read_catalog = Catalog(path / "catalog.sqlite")
            opened.callback(self._read_catalog.close)
            self._shard = Shard(path / "shard")
            opened.pop_all()
        self._writer = Writer(self._shard, self._write_catalog, encoder)
        self._writes = ThreadPoolExecutor(1, thread_name_prefix="vectors-writer")
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="vectors-reader")
        self._closed = False

    async def write(
        self, entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete as the port says; durable when it returns."""
        return await self._run(self._writes, lambda: self._writer.write(entries, tombstones))

    async def token_vectors(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, TokenVectors]:
        """The stored tokens of these chunks, of as many as hold some."""
        found: dict[ChunkRef, TokenVectors] = {}
        if not self._encoder.token_dimensions:
            return found
        for start in range(0, len(refs), _TOKENED_PER_CALL):
            named = {ref.uuid: ref for ref in refs[start : start + _TOKENED_PER_CALL]}
            records = await self._run(self._reads, partial(self._shard.tokens, list(named)))
            for record in records:
                held = record.vector.get(TOKENS) if isinstance(record.vector, dict) else None
                if held is not None:
                    found[named[str(record.id)]] = np.asarray(held, np.float16)
        return found

    async def passages(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, str]:
        """Which passages these chunks' vectors are of, by digest, for as many as are there."""
        found: dict[ChunkRef, str] = {}
        for start in range(0, len(refs), _REFS_PER_CALL):
            named = {ref.uuid: ref for ref in refs[start : start + _REFS_PER_CALL]}
            for record in await self._run(self._reads, partial(self._shard.passages, list(named))):
                found[named[str(record.id)]] = (record.payload or {}).get(PASSAGE, "")
        return found

    async def stored(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, StoredVectors]:
        """These chunks' vectors, for as many as are there."""
        found: dict[ChunkRef, StoredVectors] = {}
        step = _TOKENED_PER_CALL if self._encoder.token_dimensions else _FEWEST_PER_CALL
        for start in range(0, len(refs), step):
            named = {ref.uuid: ref for ref in refs[start : start + step]}
            for record in await self._run(self._reads, partial(self._shard.stored, list(named))):
                held = stored_vectors(record.payload, record.vector)
                if held is not None:
                    found[named[str(record.id)]] = held
        return found

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        """The chunks as indexed, for as many as are there."""
        chunks: dict[ChunkRef, Chunk] = {}
        for start in range(0, len(refs), _REFS_PER_CALL):
            names = [ref.uuid for ref in refs[start : start + _REFS_PER_CALL]]
            found = await self._run(self._reads, partial(self._shard.retrieve, names))
            for chunk in (chunk_of(record.payload or {}) for record in found):
                chunks[chunk.ref] = chunk
        return chunks

    async def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """What is indexed, by document id, from the first id greater than ``after``."""
        return await self._run(self._reads, lambda: self._read_catalog.versions(after, limit))

    async def inventory(self) -> AsyncIterator[Holding]:
        """What is there, by document id; the points are counted first, since Edge sorts none."""
        found: Found = defaultdict(Counter)
        after: str | None = None
        while True:
            work = partial(self._shard.scroll, after, _REFS_PER_CALL)
            points, after = await self._run(self._reads, work)
            count_points(points, found)
            if after is None:
                break
        held = compared(await self._run(self._reads, self._read_catalog.all_records), found)
        for identifier in sorted(held):
            yield held[identifier]

    async def holdings(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """What is there of these documents, for as many as have left a trace."""
        held: dict[str, Holding] = {}
        for start in range(0, len(ids), _REFS_PER_CALL):
            page = ids[start : start + _REFS_PER_CALL]
            states = await self._run(self._reads, partial(self._read_catalog.states, page))
            found: Found = defaultdict(Counter)
            refs = possible_refs(states)
            for first in range(0, len(refs), _REFS_PER_CALL):
                names = [ref.uuid for ref in refs[first : first + _REFS_PER_CALL]]
                count_points(await self._run(self._reads, partial(self._shard.name, names)), found)
            records = await self._run(self._reads, partial(self._read_catalog.records, page))
            held |= compared(records, found)
        return held

    async def close(self) -> None:
        """Wait for what runs, then write everything out."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reads.shutdown()
        self._writes.shutdown()
        self._read_catalog.close()
        self._write_catalog.close()
        self._shard.close()

    async def _run(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    def _check_open(self) -> None:
        if self._closed:
            raise BackendUnavailable("The vector index is closed: it is being removed.")

    @property
    def _columns(self) -> Columns:
        return self._writer.columns

    async def _nearest(self, vector: list[float], scope: Scope, depth: int) -> Run:
        return await self._run(self._reads, lambda: self._search(vector, scope, depth))

    def _search(self, vector: list[float], scope: Scope, depth: int) -> Run:
        narrowed = EdgeCompiler(self._read_catalog, self._columns).compile(scope)
        ties = TIES_PER_CALL
        while True:
            points = self._shard.nearest(vector, narrowed, depth + ties)
            if cut_cleanly(points, depth, ties):
                return run_of(points, depth)
            ties *= 4

    async def _scores(self, comparisons: Sequence[Comparison]) -> Sequence[dict[ChunkRef, float]]:
        """The engine's scores, a bounded number a call.

        Called where it is awaited: Edge holds the global lock, so no thread could do anything
        meanwhile, and handing the work to one and back costs as much as a window of 100.
        """
        scores: list[dict[ChunkRef, float]] = [{} for _ in comparisons]
        for number, parts in enumerate(_rounds(comparisons)):
            if number:
                await asyncio.sleep(0)  # the others' turn
            self._check_open()
            found = self._shard.compare([part for _, part in parts])
            for (place, part), points in zip(parts, found, strict=True):
                # By integers: UUIDs are hashed and compared in Python.
                named = {ref.key.int: ref for ref in part.refs}
                scores[place] |= {named[point.id.int]: point.score for point in points}  # type: ignore[union-attr]
        return scores


def _rounds(comparisons: Sequence[Comparison]) -> Iterator[list[tuple[int, Comparison]]]:
    """Cut comparisons into calls that are short each: parts, with the place of their whole."""
    parts: list[tuple[int, Comparison]] = []
    total = 0
    for place, whole in enumerate(comparisons):
        step = max(_FEWEST_PER_CALL, _COMPARED_PER_CALL // whole.vectors)
        for start in range(0, len(whole.refs), step):
            part = replace(whole, refs=whole.refs[start : start + step])
            size = len(part.refs) * part.vectors
            if parts and total + size > _COMPARED_PER_CALL:
                yield parts
                parts, total = [], 0
            parts.append((place, part))
            total += size
    if parts:
        yield parts
