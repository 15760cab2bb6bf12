"""What Edge cannot tell cheaply about its points, in an SQLite file beside them.

It holds the version of each document, tombstones included, in the order of document ids;
the payload column of each numeric metadata key; and a dictionary of the values that Edge's
float ranges cannot order: keywords, and integers that a float does not tell apart.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.candidates import IndexedVersion
from services.collections import FieldType
from services.embedded import sqlite
from services.filters import Operator

_FORMAT = 1

_SCHEMA = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE columns (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    place INTEGER NOT NULL,
    UNIQUE (kind, place)
) WITHOUT ROWID;
CREATE TABLE dictionary (
    key TEXT NOT NULL,
    value NOT NULL,
    PRIMARY KEY (key, value)
) WITHOUT ROWID;
"""

_WORDS: Mapping[Operator, str] = {
    Operator.GT: "SELECT value FROM dictionary WHERE key = ? AND value > ?",
    Operator.GTE: "SELECT value FROM dictionary WHERE key = ? AND value >= ?",
    Operator.LT: "SELECT value FROM dictionary WHERE key = ? AND value < ?",
    Operator.LTE: "SELECT value FROM dictionary WHERE key = ? AND value <= ?",
}


@dataclass(frozen=True, slots=True)
class State:
    """What stands of a document.

    Attributes:
        version: the newest that was written as a whole, 0 for none.
        reserved: ordinals below it may exist, also after a write that a crash cut short.
    """

    version: int = 0
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """A document as it stands after a write; a tombstone has no chunks."""

    document_id: str
    version: int
    chunks: int
    deleted: bool


class Catalog:
    """One connection to the file; use each from one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file."""
        self._path = path
        self._connection = sqlite.connect(path)
        try:
            sqlite.prepare(self._connection, path, _FORMAT, _SCHEMA)
        except BaseException:
            self._connection.close()
            raise

    def states(self, ids: Iterable[str]) -> dict[str, State]:
        """The state of each document; one never seen has version 0."""
        with sqlite.translated(self._path):
            return {identifier: self._state(identifier) for identifier in ids}

    def reserve(self, chunks: Mapping[str, int], words: Iterable[tuple[str, str | int]]) -> None:
        """Note what is about to be written: ordinals by document id, and dictionary values."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO documents VALUES (?, 0, 0, ?, 1) ON CONFLICT (id) "
                "DO UPDATE SET reserved = max(reserved, excluded.reserved)",
                chunks.items(),
            )
            connection.executemany("INSERT OR IGNORE INTO dictionary VALUES (?, ?)", words)

    def settle(self, documents: Iterable[Settled]) -> None:
        """Note what was written; durable when it returns."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)",
                [
                    (done.document_id, done.version, done.chunks, done.chunks, done.deleted)
                    for done in documents
                ],
            )

    def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """Documents that are indexed, in the order of their ids' UTF-8."""
        with sqlite.translated(self._path):
            rows = self._connection.execute(
                "SELECT id, version, chunks FROM documents WHERE id > ? AND NOT deleted "
                "ORDER BY id LIMIT ?",
                (after, limit),
            )
            return [IndexedVersion(*row) for row in rows]

    def records(self, ids: Iterable[str]) -> list[Settled]:
        """What was noted of these documents, tombstones included, for as many as are there."""
        return self._records("JOIN json_each(?) n ON n.value = d.id", (json.dumps(list(ids)),))

    def all_records(self) -> list[Settled]:
        """What was noted of every document, tombstones included."""
        return self._records("", ())

    def columns(self) -> dict[str, tuple[FieldType, int]]:
        """The column of each numeric key: its type and its place among the keys of that type."""
        with sqlite.translated(self._path):
            rows = self._connection.execute("SELECT key, kind, place FROM columns")
            return {key: (FieldType(kind), place) for key, kind, place in rows}

    def add_column(self, key: str, kind: FieldType, place: int) -> None:
        """Give a key its column for ever."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO columns VALUES (?, ?, ?)", (key, kind, place))

    def words(self, key: str, comparison: Operator, bound: str | int) -> list[str | int]:
        """The dictionary's values of a key on one side of a bound, strings by code points."""
        with sqlite.translated(self._path):
            rows = self._connection.execute(_WORDS[comparison], (key, bound))
            return [value for (value,) in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _state(self, identifier: str) -> State:
        row = self._connection.execute(
            "SELECT version, reserved FROM documents WHERE id = ?", (identifier,)
        ).fetchone()
        return State(*row) if row else State()

    def _records(self, narrowed: str, values: tuple[str, ...]) -> list[Settled]:
        with sqlite.translated(self._path):
            rows = self._connection.execute(
                f"SELECT d.id, d.version, d.chunks, d.deleted FROM documents d {narrowed}",  # noqa: S608
                values,
            )
            return [
                Settled(name, version, chunks, bool(deleted))
                for name, version, chunks, deleted in rows
            ]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with sqlite.translated(self._path), sqlite.transaction(self._connection) as connection:
            yield connection
