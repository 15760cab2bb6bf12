"""Writes to one vector index.

Ids are the chunks' own, so writing twice is writing once. The catalog learns of ordinals
before they are written and of the version after: a crash between leaves the old version
standing, the ledger still has the document pending, and the next write removes whatever
the first one left behind.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qdrant_edge import Point

from services.collections import FieldType
from services.documents import ChunkRef
from services.embedded.vectors.catalog import Catalog, Settled
from services.embedded.vectors.columns import Columns, column_names
from services.embedded.vectors.shard import Shard
from services.generations import EncoderFingerprint
from services.points.changes import Change, newest_changes
from services.points.payload import (
    chunk_payload,
    dictionary_words,
    document_payload,
    numeric_columns,
)
from services.points.searching import TEXT, TOKENS
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorEntry

# What one call to Edge is given: about 2 ms, with or without token vectors.
_POINTS_PER_CALL = 32
_NUMBERS_PER_CALL = 64_000

# The catalog settles after so many documents, so a large write is many small ones.
_DOCUMENTS_PER_COMMIT = 64


class Writer:
    """Applies entries and tombstones; one thread at a time."""

    def __init__(self, shard: Shard, catalog: Catalog, encoder: EncoderFingerprint) -> None:
        self._shard = shard
        self._catalog = catalog
        self._encoder = encoder
        self._columns = catalog.columns()

    @property
    def columns(self) -> Columns:
        """The column of each numeric key; replaced as a whole when one is added."""
        return self._columns

    def write(
        self, entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Write what is newer than what stands; returns the reasons for what was refused."""
        newest, refused = newest_changes(entries, tombstones, self._encoder)
        states = self._catalog.states(change.document_id for change in newest)
        changes = [
            change for change in newest if change.version > states[change.document_id].version
        ]
        for start in range(0, len(changes), _DOCUMENTS_PER_COMMIT):
            self._apply(changes[start : start + _DOCUMENTS_PER_COMMIT])
        return refused

    def _apply(self, changes: Sequence[Change]) -> None:
        documents = [change.entry.document for change in changes if change.entry]
        self._add_columns(numeric_columns(documents))
        self._catalog.reserve(
            {change.document_id: change.chunks for change in changes},
            {word for document in documents for word in dictionary_words(document.metadata)},
        )
        points = (point for change in changes for point in self._points(change))
        for batch, numbers in _batches(points):
            self._shard.upsert(batch, numbers)
        self._remove_leftovers(changes)
        self._shard.sync()
        self._catalog.settle(
            Settled(change.document_id, change.version, change.chunks, change.entry is None)
            for change in changes
        )

    def _add_columns(self, needed: Mapping[str, FieldType]) -> None:
        for key, kind in needed.items():
            if key in self._columns:
                continue
            place = sum(known is kind for known, _ in self._columns.values())
            self._shard.ensure_column(kind, place)
            self._catalog.add_column(key, kind, place)
            self._columns = {**self._columns, key: (kind, place)}

    def _points(self, change: Change) -> Iterator[tuple[Point, int]]:
        """The points of an entry, each with how many numbers it holds."""
        entry = change.entry
        if entry is None:
            return
        shared = document_payload(entry.document, entry.version, column_names(self._columns))
        for index, chunk in enumerate(entry.chunks):
            vectors: dict[str, Any] = {TEXT: entry.vectors[index].tolist()}
            numbers = entry.vectors.shape[1]
            if entry.tokens is not None and len(entry.tokens[index]):
                vectors[TOKENS] = entry.tokens[index].tolist()
                numbers += entry.tokens[index].size
            payload = {**shared, **chunk_payload(chunk, entry.document.title)}
            yield Point(chunk.ref.uuid, vectors, payload), numbers

    def _remove_leftovers(self, changes: Sequence[Change]) -> None:
        states = self._catalog.states(change.document_id for change in changes)
        leftovers = [
            ChunkRef(change.document_id, ordinal).uuid
            for change in changes
            for ordinal in range(change.chunks, states[change.document_id].reserved)
        ]
        for start in range(0, len(leftovers), _POINTS_PER_CALL):
            self._shard.delete(leftovers[start : start + _POINTS_PER_CALL])


def _batches(points: Iterable[tuple[Point, int]]) -> Iterator[tuple[list[Point], int]]:
    """Cut points into calls that are short each, with the numbers that each call holds."""
    batch: list[Point] = []
    total = 0
    for point, numbers in points:
        if batch and (len(batch) == _POINTS_PER_CALL or total + numbers > _NUMBERS_PER_CALL):
            yield batch, total
            batch, total = [], 0
        batch.append(point)
        total += numbers
    if batch:
        yield batch, total
