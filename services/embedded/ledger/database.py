"""The ledger's file and the threads that work on it."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from services.embedded import sqlite
from services.embedded.ledger import schema
from services.embedded.ledger.rows import Row
from services.errors import BackendUnavailable, CollectionNotFound

T = TypeVar("T")

_READERS = 3


class Database:
    """One writing connection on a thread of its own, and a reading one for each reader.

    Writes queue for their thread, so none ever meets a busy database; readers see the
    last commit and wait for nobody. Whoever stops waiting leaves a write to finish.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file; blocks for a few milliseconds."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite.connect(path)
        try:
            sqlite.prepare(self._connection, path, schema.FORMAT, schema.SCHEMA, schema.UPGRADES)
        except BaseException:
            self._connection.close()
            raise
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._closed = False

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in one transaction; durable when it returns."""
        return await self._run(self._writer, self._write, work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on one snapshot of the last commit."""
        return await self._run(self._readers, self._read, work)

    async def close(self) -> None:
        """Wait for what runs, then close every connection."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    async def _run(
        self,
        executor: ThreadPoolExecutor,
        call: Callable[[Callable[[sqlite3.Connection], T]], T],
        work: Callable[[sqlite3.Connection], T],
    ) -> T:
        if self._closed:
            raise BackendUnavailable("The ledger is closed: Winnow is shutting down.")
        return await asyncio.get_running_loop().run_in_executor(executor, call, work)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with sqlite.translated(self._path), sqlite.transaction(self._connection) as connection:
            return work(connection)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with sqlite.translated(self._path):
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                connection.execute("ROLLBACK")

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite.connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            self._opened.append(connection)
        return connection

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        for connection in (*self._opened, self._connection):
            connection.close()


def collection_row(connection: sqlite3.Connection, name: str, columns: str) -> Row:
    """Columns of one collection, or CollectionNotFound."""
    row: Row | None = connection.execute(
        f"SELECT {columns} FROM collections c WHERE name = ?",  # noqa: S608  # constants
        (name,),
    ).fetchone()
    if row is None:
        raise CollectionNotFound(
            f"There is no collection {name!r}. Create it, or list those there are."
        )
    return row


def collection_key(connection: sqlite3.Connection, name: str) -> int:
    """The key of one collection, or CollectionNotFound."""
    return int(collection_row(connection, name, "c.key")[0])
