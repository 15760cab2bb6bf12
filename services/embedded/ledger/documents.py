"""Documents, their versions and what is to be indexed of them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.embedded.ledger import rows
from services.embedded.ledger.acceptance import Acceptance, raise_epoch
from services.embedded.ledger.collections import generation_key
from services.embedded.ledger.database import Database, collection_key
from services.embedded.ledger.rows import RECORD_COLUMNS, SUMMARY_COLUMNS
from services.generations import Generation
from services.ports.ledger import Accepted, DeadLetter, Record, Summary, Write

# Column lists are constants of ours; every value is bound.
_SUMMARIES = f"SELECT {SUMMARY_COLUMNS} FROM documents d"  # noqa: S608
_NAMED = "FROM json_each(?) n CROSS JOIN documents d ON d.collection = ? AND d.id = n.value"
_NAMED_SUMMARIES = f"SELECT {SUMMARY_COLUMNS} {_NAMED} WHERE NOT d.deleted"
_NAMED_RECORDS = f"SELECT {RECORD_COLUMNS} {_NAMED} LEFT JOIN bodies b ON b.document = d.key"
_NAMED_PENDING = f"SELECT d.id {_NAMED} JOIN pending p ON p.document = d.key AND p.generation = ?"
_PENDING_RECORDS = (
    f"SELECT {RECORD_COLUMNS} FROM pending p CROSS JOIN documents d ON d.key = p.document "  # noqa: S608
    "LEFT JOIN bodies b ON b.document = d.key "
    "WHERE p.generation = ? ORDER BY p.change LIMIT ?"
)


class SqliteDocuments:
    """Implements :class:`services.ports.ledger.DocumentLedger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, collection: str, writes: Sequence[Write]) -> Sequence[Accepted]:
        """Store writes in one transaction, in their order; durable when it returns."""

        def work(connection: sqlite3.Connection) -> Sequence[Accepted]:
            key = collection_key(connection, collection)
            acceptance = Acceptance(connection, key)
            accepted = [acceptance.accept(write) for write in writes]
            acceptance.finish()
            return accepted

        return await self._database.write(work)

    async def read(self, collection: str, ids: Sequence[str]) -> Mapping[str, Record]:
        """Records by id, tombstones included, for as many as are there."""

        def work(connection: sqlite3.Connection) -> Mapping[str, Record]:
            key = collection_key(connection, collection)
            found = connection.execute(_NAMED_RECORDS, (json.dumps(list(ids)), key))
            return {row[0]: rows.record(row) for row in found}

        return await self._database.read(work)

    async def summaries(self, collection: str, ids: Sequence[str]) -> Mapping[str, Summary]:
        """Live documents without their text, for as many as are there."""

        def work(connection: sqlite3.Connection) -> Mapping[str, Summary]:
            key = collection_key(connection, collection)
            found = connection.execute(_NAMED_SUMMARIES, (json.dumps(list(ids)), key))
            return {row[0]: rows.summary(row) for row in found}

        return await self._database.read(work)

    async def list(
        self, collection: str, after: str, limit: int, prefix: str = ""
    ) -> Sequence[Summary]:
        """Live documents by id (in the order of its UTF-8), from the first after ``after``."""

        def work(connection: sqlite3.Connection) -> Sequence[Summary]:
            key, upper = collection_key(connection, collection), _first_after_prefix(prefix)
            # One bound below, so that the index is entered where the listing begins.
            lower = "d.id > ?" if after >= prefix else "d.id >= ?"
            found = connection.execute(
                f"{_SUMMARIES} WHERE d.collection = ? AND {lower} "
                f"{'AND d.id < ? ' if upper else ''}AND NOT d.deleted ORDER BY d.id LIMIT ?",
                (key, max(after, prefix), *([upper] if upper else []), limit),
            )
            return [rows.summary(row) for row in found]

        return await self._database.read(work)

    async def count(self, collection: str) -> int:
        """How many live documents there are."""
        return sum((await self.languages(collection)).values())

    async def languages(self, collection: str) -> Mapping[str, int]:
        """How many live documents there are of each language."""

        def work(connection: sqlite3.Connection) -> Mapping[str, int]:
            found = connection.execute(
                "SELECT language, documents FROM languages WHERE collection = ? AND documents > 0",
                (collection_key(connection, collection),),
            )
            return dict(found.fetchall())

        return await self._database.read(work)

    async def pending(
        self, generation: Generation, limit: int, max_bytes: int = 64 * 2**20
    ) -> Sequence[Record]:
        """Records whose newest version is neither indexed nor dead, oldest change first."""

        def work(connection: sqlite3.Connection) -> Sequence[Record]:
            key = generation_key(connection, generation)
            records: list[Record] = []
            room = max_bytes
            for row in connection.execute(_PENDING_RECORDS, (key, limit)):
                room -= len(row[-2] or b"")
                if records and room < 0:
                    break
                records.append(rows.record(row))
            return records

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
    ) -> int:
        """Record versions as indexed or dead; returns the epoch after it.

        A version that is no longer the newest changes the index, so the epoch grows, but
        its document stays pending.
        """

        def work(connection: sqlite3.Connection) -> int:
            key = generation_key(connection, generation)
            collection = collection_key(connection, generation.collection)
            for document_id, version in indexed.items():
                _settle(connection, key, _newest(connection, collection, document_id, version))
            for letter in refused:
                document = _newest(connection, collection, letter.document_id, letter.version)
                _settle(connection, key, document)
                _bury(connection, key, document, letter)
            return raise_epoch(connection, collection, bool(indexed or refused))

        return await self._database.write(work)

    async def dead_letters(self, generation: Generation) -> Sequence[DeadLetter]:
        """What could not be indexed of the newest versions, by document id."""

        def work(connection: sqlite3.Connection) -> Sequence[DeadLetter]:
            found = connection.execute(
                "SELECT d.id, l.version, l.reason, l.at FROM dead_letters l "
                "JOIN documents d ON d.key = l.document WHERE l.generation = ? ORDER BY d.id",
                (generation_key(connection, generation),),
            )
            return [
                DeadLetter(document_id, version, reason, datetime.fromisoformat(at))
                for document_id, version, reason, at in found
            ]

        return await self._database.read(work)


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


def _first_after_prefix(prefix: str) -> str:
    """The least text above everything that starts with the prefix; "" where there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return ""
    following = chr(ord(kept[-1]) + 1)
    # Surrogates (U+D800 to U+DFFF) are no characters of UTF-8.
    return kept[:-1] + ("\ue000" if following == "\ud800" else following)
