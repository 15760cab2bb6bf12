"""Where Tantivy's indexes live: a folder for each generation."""

import asyncio
import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from services.embedded.files import folders_of_others
from services.embedded.lexical.engine import translated
from services.embedded.lexical.index import TantivyIndex
from services.embedded.lexical.rowset import RowSet
from services.embedded.lexical.writing import repair
from services.errors import BackendUnavailable
from services.generations import Generation

_Answer = TypeVar("_Answer")

_READERS = 4


class TantivyStore:
    """Text indexes in a data directory that one process owns."""

    def __init__(self, path: Path) -> None:
        """Keep the indexes under this folder, which is made when it is needed."""
        self._path = path
        self._readers = ThreadPoolExecutor(_READERS, "lexical-read")
        self._writer = ThreadPoolExecutor(1, "lexical-write")
        self._open: dict[str, tuple[RowSet, TantivyIndex]] = {}
        self._closed = False

    async def open(self, generation: Generation) -> TantivyIndex:
        """The generation's index; what a crash left half written is repaired first."""
        held = self._open.get(generation.name)
        if held is not None:
            return held[1]
        return await self._in_order(lambda: self._opened(generation.name))

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's folder."""
        await self._in_order(lambda: self._dropped(generation.name))

    async def orphans(self, known: Collection[Generation]) -> Sequence[str]:
        """Names of indexes that were made for none of these generations."""
        return await self._in_order(lambda: folders_of_others(self._path, known))

    async def remove(self, orphan: str) -> None:
        """Remove what :meth:`orphans` named."""
        await self._in_order(lambda: self._dropped(orphan))

    async def ping(self) -> None:
        """Raise BackendUnavailable after the store is closed, or where its folder cannot be had."""
        await self._in_order(self._reachable)

    async def close(self) -> None:
        """Let what is under way finish and give the folder's locks back."""
        self._closed = True
        await asyncio.to_thread(self._shut)

    async def _in_order(self, work: Callable[[], _Answer]) -> _Answer:
        """Openings and removals take turns with writes, in their one thread."""
        if self._closed:
            raise BackendUnavailable("The text index is closed; start Winnow again.")
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    def _opened(self, name: str) -> TantivyIndex:
        if name not in self._open:
            with translated("open"):
                rows = RowSet(self._path / name)
                repair(rows)
            self._open[name] = rows, TantivyIndex(rows, self._readers, self._writer)
        return self._open[name][1]

    def _dropped(self, name: str) -> None:
        held = self._open.pop(name, None)
        if held is not None:
            held[0].release()
        with translated("drop"):
            shutil.rmtree(self._path / name, ignore_errors=not (self._path / name).exists())

    def _reachable(self) -> None:
        with translated("be reached"):
            self._path.mkdir(parents=True, exist_ok=True)

    def _shut(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        for rows, _ in self._open.values():
            rows.release()
        self._open.clear()
