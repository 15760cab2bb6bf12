"""Keys in the ledger's file."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from services.embedded.ledger.database import Database
from services.errors import AlreadyExists, NotFound
from services.ports.keys import StoredKey


class SqliteKeys:
    """Implements :class:`services.ports.keys.KeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: StoredKey) -> None:
        """Keep a key; durable when it returns."""

        def work(connection: sqlite3.Connection) -> None:
            added = connection.execute(
                "INSERT OR IGNORE INTO keys (id, name, administers, digest, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (key.id, key.name, key.administers, key.digest, key.created_at.isoformat()),
            )
            if not added.rowcount:
                raise AlreadyExists(f"There is a key {key.id} already.")

        await self._database.write(work)

    async def list(self) -> Sequence[StoredKey]:
        """Every key, the oldest first."""

        def work(connection: sqlite3.Connection) -> Sequence[StoredKey]:
            found = connection.execute(
                "SELECT id, name, administers, digest, created_at FROM keys ORDER BY created_at, id"
            )
            return [
                StoredKey(identifier, name, bool(administers), digest, datetime.fromisoformat(at))
                for identifier, name, administers, digest, at in found
            ]

        return await self._database.read(work)

    async def remove(self, identifier: str) -> None:
        """Forget a key, or NotFound."""

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute("DELETE FROM keys WHERE id = ?", (identifier,)).rowcount:
                raise NotFound(f"There is no key {identifier[:80]!r}: 'winnow keys list'.")

        await self._database.write(work)
