"""What each generation holds of the documents: pending, indexed, refused."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.embedded.ledger import rows
from services.embedded.ledger.acceptance import raise_epoch
from services.embedded.ledger.collections import generation_key
from services.embedded.ledger.database import Database, collection_key
from services.embedded.ledger.leases import check_lease
from services.embedded.ledger.rows import NAMED, RECORD_COLUMNS
from services.generations import Generation
from services.ports.leases import Lease
from services.ports.ledger import (
    MOST_BYTES,
    DeadLetter,
    MarkState,
    PendingVersion,
    Record,
    Standing,
)

# Column lists are constants of ours; every value is bound.
_KEYS = f"(SELECT d.key {NAMED})"
_NAMED_PENDING = f"SELECT d.id {NAMED} JOIN pending p ON p.document = d.key AND p.generation = ?"
_PENDING_RECORDS = (
    f"SELECT {RECORD_COLUMNS} FROM pending p CROSS JOIN documents d ON d.key = p.document "  # noqa: S608
    "LEFT JOIN bodies b ON b.document = d.key "
    "WHERE p.generation = ? ORDER BY p.change LIMIT ?"
)
_PENDING_VERSIONS = (
    "SELECT d.id, d.version, coalesce(length(b.text), 0) "
    "FROM pending p CROSS JOIN documents d ON d.key = p.document "
    "LEFT JOIN bodies b ON b.document = d.key "
    "WHERE p.generation = ? ORDER BY p.change LIMIT ?"
)
_MARKED = (
    "LEFT JOIN pending p ON p.document = d.key AND p.generation = ? "
    "LEFT JOIN dead_letters l ON l.document = d.key AND l.generation = ?"
)
_NAMED_MARKS = (
    f"SELECT d.id, d.version {NAMED} {_MARKED} WHERE p.change IS NULL AND l.version IS NULL"
)
_STANDINGS = (
    "SELECT d.id, d.version, d.deleted, p.change IS NOT NULL, l.version IS NOT NULL "  # noqa: S608
    f"FROM documents d {_MARKED} WHERE d.collection = ? AND d.id > ? ORDER BY d.id LIMIT ?"
)


class SqliteMarks:
    """The half of the document ledger that follows each generation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(
        self, generation: Generation, limit: int, max_bytes: int = MOST_BYTES
    ) -> Sequence[Record]:
        """Records whose newest version is neither indexed nor dead, oldest change first."""

        def work(connection: sqlite3.Connection) -> Sequence[Record]:
            key = generation_key(connection, generation)
            return rows.records(connection.execute(_PENDING_RECORDS, (key, limit)), max_bytes)

        return await self._database.read(work)

    async def pending_versions(
        self, generation: Generation, limit: int
    ) -> Sequence[PendingVersion]:
        """The same records unread."""

        def work(connection: sqlite3.Connection) -> Sequence[PendingVersion]:
            key = generation_key(connection, generation)
            found = connection.execute(_PENDING_VERSIONS, (key, limit))
            return [PendingVersion(*row) for row in found]

        return await self._database.read(work)

    async def backlog(self, generation: Generation) -> int:
        """How many records are pending."""

        def work(connection: sqlite3.Connection) -> int:
            (count,) = connection.execute(
                "SELECT COUNT(*) FROM pending WHERE generation = ?",
                (generation_key(connection, generation),),
            ).fetchone()
            return int(count)

        return await self._database.read(work)

    async def waiting(self, generation: Generation, ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids are pending."""

        def work(connection: sqlite3.Connection) -> frozenset[str]:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            found = connection.execute(_NAMED_PENDING, (json.dumps(list(ids)), collection, key))
            return frozenset(identifier for (identifier,) in found)

        return await self._database.read(work)

    async def mark(
        self,
        generation: Generation,
        indexed: Mapping[str, int],
        refused: Sequence[DeadLetter] = (),
        fence: Lease | None = None,
    ) -> int:
        """Record versions as indexed or dead; returns the epoch after it.

        A version that is no longer the newest changes the index, so the epoch grows, but
        its document stays pending.
        """

        def work(connection: sqlite3.Connection) -> int:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            if fence is not None:
                check_lease(connection, fence)
            for document_id, version in indexed.items():
                _settle(connection, key, _newest(connection, collection, document_id, version))
            for letter in refused:
                document = _newest(connection, collection, letter.document_id, letter.version)
                _settle(connection, key, document)
                _bury(connection, key, document, letter)
            return raise_epoch(connection, collection, bool(indexed or refused))

        return await self._database.write(work)

    async def marks(self, generation: Generation, ids: Sequence[str]) -> Mapping[str, int]:
        """The newest versions of these ids, of as many as are marked as indexed."""

        def work(connection: sqlite3.Connection) -> Mapping[str, int]:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            names = json.dumps(list(ids))
            return dict(connection.execute(_NAMED_MARKS, (names, collection, key, key)).fetchall())

        return await self._database.read(work)

    async def standings(self, generation: Generation, after: str, limit: int) -> Sequence[Standing]:
        """Every record's standing by id, from the first id greater than ``after``."""

        def work(connection: sqlite3.Connection) -> Sequence[Standing]:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            found = connection.execute(_STANDINGS, (key, key, collection, after, limit))
            return [
                Standing(identifier, version, bool(deleted), _state(pending, refused))
                for identifier, version, deleted, pending, refused in found
            ]

        return await self._database.read(work)

    async def unmark(self, generation: Generation, ids: Sequence[str]) -> int:
        """Forget marks and dead letters of these ids; returns how many became pending."""

        def work(connection: sqlite3.Connection) -> int:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            names = json.dumps(list(ids))
            connection.execute(
                f"DELETE FROM dead_letters WHERE generation = ? AND document IN {_KEYS}",  # noqa: S608
                (key, names, collection),
            )
            return connection.execute(
                f"INSERT OR IGNORE INTO pending (generation, document) SELECT ?, d.key {NAMED}",
                (key, names, collection),
            ).rowcount

        return await self._database.write(work)

    async def dead_letters(self, generation: Generation) -> Sequence[DeadLetter]:
        """What could not be indexed of the newest versions, by document id."""

        def work(connection: sqlite3.Connection) -> Sequence[DeadLetter]:
            found = connection.execute(
                "SELECT d.id, l.version, l.reason, l.at FROM dead_letters l "
                "JOIN documents d ON d.key = l.document "
                "WHERE l.generation = ? AND NOT l.dropped ORDER BY d.id",
                (generation_key(connection, generation),),
            )
            return [
                DeadLetter(document_id, version, reason, datetime.fromisoformat(at))
                for document_id, version, reason, at in found
            ]

        return await self._database.read(work)

    async def drop_dead_letters(self, generation: Generation, ids: Sequence[str]) -> int:
        """Take dead letters off the list, not to be tried again; returns how many."""

        def work(connection: sqlite3.Connection) -> int:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            return connection.execute(
                f"UPDATE dead_letters SET dropped = 1 WHERE document IN {_KEYS} "  # noqa: S608
                "AND generation = ? AND NOT dropped",
                (json.dumps(list(ids)), collection, key),
            ).rowcount

        return await self._database.write(work)


def _state(pending: bool, refused: bool) -> MarkState:
    if pending:
        return MarkState.PENDING
    return MarkState.REFUSED if refused else MarkState.INDEXED


def _newest(
    connection: sqlite3.Connection, collection: int, document_id: str, version: int
) -> int | None:
    """The document's key where this is its newest version."""
    found = connection.execute(
        "SELECT key FROM documents WHERE collection = ? AND id = ? AND version = ?",
        (collection, document_id, version),
    ).fetchone()
    return None if found is None else int(found[0])


def _settle(connection: sqlite3.Connection, generation: int, document: int | None) -> None:
    for table in ("pending", "dead_letters"):
        connection.execute(
            f"DELETE FROM {table} WHERE generation = ? AND document = ?",  # noqa: S608
            (generation, document),
        )


def _bury(
    connection: sqlite3.Connection, generation: int, document: int | None, letter: DeadLetter
) -> None:
    if document is not None:
        connection.execute(
            "INSERT INTO dead_letters (generation, document, version, reason, at) "
            "VALUES (?, ?, ?, ?, ?)",
            (generation, document, letter.version, letter.reason, letter.at.isoformat()),
        )
