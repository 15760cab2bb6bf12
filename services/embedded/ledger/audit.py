"""The audit log in the ledger's file."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from services.embedded.ledger.database import Database
from services.ports.audit import AuditEntry

_COLUMNS = "at, who, action, collection, generation, outcome, detail"


class SqliteAuditLog:
    """Implements :class:`services.ports.audit.AuditLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: AuditEntry) -> None:
        """Add an entry; durable when it returns."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    entry.at.isoformat(),
                    entry.who,
                    entry.action,
                    entry.collection,
                    entry.generation,
                    entry.outcome,
                    entry.detail,
                ),
            )

        await self._database.write(work)

    async def read(self, collection: str = "", limit: int = 100) -> Sequence[AuditEntry]:
        """The newest entries, newest first; of one collection where one is named."""

        def work(connection: sqlite3.Connection) -> Sequence[AuditEntry]:
            condition = "WHERE collection = ? " if collection else ""
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM audit {condition}ORDER BY key DESC LIMIT ?",  # noqa: S608
                (*([collection] if collection else []), limit),
            )
            return [AuditEntry(datetime.fromisoformat(at), *rest) for at, *rest in found]

        return await self._database.read(work)
