"""The ledger of the embedded stack."""

import asyncio
from pathlib import Path

from services.embedded.ledger.audit import SqliteAuditLog
from services.embedded.ledger.collections import SqliteCollections
from services.embedded.ledger.database import Database
from services.embedded.ledger.documents import SqliteDocuments
from services.embedded.ledger.keys import SqliteKeys
from services.embedded.ledger.leases import SqliteLeases


class SqliteLedger:
    """Documents, versions and generations in one SQLite file.

    Implements :class:`services.ports.ledger.Ledger`. WAL with ``synchronous=FULL``: what
    was acknowledged survives a killed process and a power cut.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collections = SqliteCollections(database)
        self._documents = SqliteDocuments(database)
        self._leases = SqliteLeases(database)
        self._audit = SqliteAuditLog(database)
        self._keys = SqliteKeys(database)

    @classmethod
    async def open(cls, path: Path) -> "SqliteLedger":
        """Open or create the file, as the only process that does.

        Raises:
            DataFormatUnsupported: a newer Winnow wrote it.
            BackendUnavailable: it cannot be opened.
        """
        ledger = cls(await asyncio.to_thread(Database, path))
        await ledger.leases.forget_holders()
        return ledger

    @property
    def collections(self) -> SqliteCollections:
        """Collections and generations."""
        return self._collections

    @property
    def documents(self) -> SqliteDocuments:
        """Documents and marks."""
        return self._documents

    @property
    def leases(self) -> SqliteLeases:
        """Who may build what."""
        return self._leases

    @property
    def audit(self) -> SqliteAuditLog:
        """Who did what."""
        return self._audit

    @property
    def keys(self) -> SqliteKeys:
        """Who may ask."""
        return self._keys

    async def ping(self) -> None:
        """Raise BackendUnavailable where the file cannot be read."""
        await self._database.read(lambda connection: connection.execute("SELECT 1").fetchone())

    async def close(self) -> None:
        """Wait for what runs, then close the file."""
        await self._database.close()
