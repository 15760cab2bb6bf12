"""Documents, their versions and what is to be indexed of them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from services.embedded.ledger import rows
from services.embedded.ledger.acceptance import Acceptance
from services.embedded.ledger.database import collection_key
from services.embedded.ledger.marks import SqliteMarks
from services.embedded.ledger.rows import NAMED, RECORD_COLUMNS, SUMMARY_COLUMNS
from services.ports.ledger import MOST_BYTES, Accepted, Record, Summary, Write

# Column lists are constants of ours; every value is bound.
_SUMMARIES = f"SELECT {SUMMARY_COLUMNS} FROM documents d"  # noqa: S608
_NAMED_SUMMARIES = f"SELECT {SUMMARY_COLUMNS} {NAMED} WHERE NOT d.deleted"
_NAMED_RECORDS = f"SELECT {RECORD_COLUMNS} {NAMED} LEFT JOIN bodies b ON b.document = d.key"
_ALL_RECORDS = (
    f"SELECT {RECORD_COLUMNS} FROM documents d LEFT JOIN bodies b ON b.document = d.key "  # noqa: S608
    "WHERE d.collection = ? AND d.id > ? ORDER BY d.id LIMIT ?"
)


class SqliteDocuments(SqliteMarks):
    """Implements :class:`services.ports.ledger.DocumentLedger`, with its marks inherited."""

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

    async def records(
        self, collection: str, after: str, limit: int, max_bytes: int = MOST_BYTES
    ) -> Sequence[Record]:
        """Records by id (in the order of its UTF-8), tombstones included, after ``after``."""

        def work(connection: sqlite3.Connection) -> Sequence[Record]:
            key = collection_key(connection, collection)
            return rows.records(connection.execute(_ALL_RECORDS, (key, after, limit)), max_bytes)

        return await self._database.read(work)

    async def restore(self, collection: str, records: Sequence[Record]) -> int:
        """Store records as they were, in one transaction, where they are newer."""

        def work(connection: sqlite3.Connection) -> int:
            acceptance = Acceptance(connection, collection_key(connection, collection))
            restored = sum(acceptance.restore(record) for record in records)
            acceptance.finish()
            return restored

        return await self._database.write(work)

    async def supersede(self, collection: str, above: Mapping[str, int]) -> int:
        """Give documents a version above their own and the given one."""

        def work(connection: sqlite3.Connection) -> int:
            acceptance = Acceptance(connection, collection_key(connection, collection))
            for document_id, version in above.items():
                acceptance.supersede(document_id, version)
            acceptance.finish()
            return len(above)

        return await self._database.write(work)

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


def _first_after_prefix(prefix: str) -> str:
    """The least text above everything that starts with the prefix; "" where there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return ""
    following = chr(ord(kept[-1]) + 1)
    # Surrogates (U+D800 to U+DFFF) are no characters of UTF-8.
    return kept[:-1] + ("\ue000" if following == "\ud800" else following)
