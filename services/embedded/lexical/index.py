"""The port's text index over one generation's rows: async outside, threads inside."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from services.candidates import Holding, IndexedVersion, Run, Survey
from services.documents import Chunk, ChunkRef
from services.embedded.lexical import inventory, reading, writing
from services.embedded.lexical.engine import translated
from services.embedded.lexical.rowset import RowSet
from services.filters import Filter
from services.ports.lexical import LexicalEntry, Tombstone
from services.queries import LexicalQuery, Sort

_Answer = TypeVar("_Answer")

_IDS_PER_CALL = 500


class TantivyIndex:
    """One generation's text index.

    Tantivy works without the interpreter's lock; its calls run in the store's threads.
    Who stops waiting for a write does not stop the write.
    """

    def __init__(self, rows: RowSet, readers: Executor, writer: Executor) -> None:
        """Take the rows, threads for reads, and the one thread for writes."""
        self._rows = rows
        self._readers = readers
        self._writer = writer

    async def write(
        self, entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete: see the port."""
        return await _run(
            self._writer, "write", lambda: writing.write(self._rows, entries, tombstones)
        )

    async def search(self, query: LexicalQuery, depth: int) -> Run:
        """The best chunks: see the port."""
        return await self._read("search", lambda: reading.search(self._rows, query, depth))

    async def browse(
        self, query: LexicalQuery, sort: Sort | None, depth: int
    ) -> Sequence[IndexedVersion]:
        """Documents in order: see the port. An array sorts by its smallest element."""
        return await self._read("browse", lambda: reading.browse(self._rows, query, sort, depth))

    async def survey(self, query: LexicalQuery, facets: Mapping[str, Filter | None]) -> Survey:
        """Exact counts: see the port. A facet has its 1,000 commonest values."""
        return await self._read("count", lambda: reading.survey(self._rows, query, facets))

    async def matching(self, query: LexicalQuery, ids: Sequence[str]) -> frozenset[str]:
        """Documents that phrases and exclusions leave: see the port."""
        return await self._read("match", lambda: reading.matching(self._rows, query, ids))

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        """Chunks as indexed: see the port."""
        return await self._read("read", lambda: reading.read(self._rows, refs))

    async def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """What is indexed: see the port."""
        return await self._read("list", lambda: reading.versions(self._rows, after, limit))

    async def inventory(self) -> AsyncIterator[Holding]:
        """What is there: see the port."""
        names = await self._read("list", lambda: inventory.names(self._rows))
        for start in range(0, len(names), _IDS_PER_CALL):
            page = names[start : start + _IDS_PER_CALL]
            for holding in (await self.holdings(page)).values():
                yield holding

    async def holdings(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """What is there of these documents: see the port."""
        return await self._read("count", lambda: inventory.holdings(self._rows, ids))

    async def _read(self, action: str, work: Callable[[], _Answer]) -> _Answer:
        return await _run(self._readers, action, work)


async def _run(executor: Executor, action: str, work: Callable[[], _Answer]) -> _Answer:
    def guarded() -> _Answer:
        with translated(action):
            return work()

    return await asyncio.get_running_loop().run_in_executor(executor, guarded)
