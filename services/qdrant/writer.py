"""Writes to one collection, beside any number of other writers.

What holds, without locks: a point is replaced only by a newer version of its document, and
so is a document's record, whatever the order in which replicas or writers apply them. An
older write that comes late can still add chunks that the newer version does not have; so
each writer, once its record stands, reads the records again and removes what is older than
they say. A writer that dies before that leaves chunks of a superseded version. The ledger
keeps them out of every answer, and writing the document again, be it in the same version,
removes them.

Chunks come first, then the record: a crash between leaves the old version on record, the
ledger still has the document pending, and writing it again completes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson
from qdrant_client import models

from services.documents import Document
from services.generations import EncoderFingerprint
from services.points.changes import Change, newest_changes
from services.points.payload import (
    chunk_payload,
    dictionary_words,
    document_payload,
    numeric_columns,
)
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorEntry
from services.qdrant.dictionary import Dictionary
from services.qdrant.engine import Engine
from services.qdrant.errors import Refused
from services.qdrant.layout import COLUMN_TYPES, TEXT, TOKENS, column_name, equals, older_than
from services.qdrant.records import Records

# What one request carries as JSON: well under the 32 MiB that Qdrant takes by default.
_POINTS_PER_CALL = 128
_BYTES_PER_CALL = 8 * 2**20
_BYTES_PER_NUMBER = 22
_BYTES_PER_CHARACTER = 6  # as an escape

_DOCUMENTS_PER_ROUND = 64


@dataclass(frozen=True, slots=True)
class _Item:
    """A point on its way, and how long it is as JSON, at most."""

    document_id: str
    version: int
    point: models.PointStruct
    bytes: int


class Writer:
    """Applies entries and tombstones."""

    def __init__(
        self,
        engine: Engine,
        records: Records,
        dictionary: Dictionary,
        encoder: EncoderFingerprint,
    ) -> None:
        self._engine = engine
        self._records = records
        self._dictionary = dictionary
        self._encoder = encoder
        self._indexed: set[str] = set()

    async def write(
        self, entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Write what is newer than what stands; returns the reasons for what was refused."""
        newest, refused = newest_changes(entries, tombstones, self._encoder)
        for start in range(0, len(newest), _DOCUMENTS_PER_ROUND):
            refused |= await self._apply(newest[start : start + _DOCUMENTS_PER_ROUND])
        return refused

    async def _apply(self, changes: Sequence[Change]) -> Mapping[str, str]:
        standing = await self._records.versions(change.document_id for change in changes)
        newer = [change for change in changes if change.version > standing[change.document_id]]
        documents = [change.entry.document for change in newer if change.entry]
        await self._index_columns(documents)
        await self._dictionary.add(
            word for document in documents for word in dictionary_words(document.metadata)
        )
        refused = await self._upsert([item for change in newer for item in _items(change)])
        written = [change for change in newer if change.document_id not in refused]
        await self._records.settle(written)
        await self._sweep(changes)
        return refused

    async def _index_columns(self, documents: Sequence[Document]) -> None:
        for key, kind in numeric_columns(documents).items():
            name = column_name(key, kind)
            if name not in self._indexed:
                await self._engine.index(name, COLUMN_TYPES[kind])
                self._indexed.add(name)

    async def _upsert(self, items: Sequence[_Item]) -> dict[str, str]:
        """Write points; returns the reasons for the documents that Qdrant refuses."""
        refused: dict[str, str] = {}
        for batch in _batches(items):
            accepted = [item for item in batch if item.document_id not in refused]
            try:
                await self._engine.update(_operations(accepted))
            except Refused:
                refused |= await self._upsert_apart(accepted)
        return refused

    async def _upsert_apart(self, items: Sequence[_Item]) -> dict[str, str]:
        """One document a request, since one of them spoiled the batch."""
        refused: dict[str, str] = {}
        for document_id, group in groupby(items, lambda item: item.document_id):
            try:
                await self._engine.update(_operations(list(group)))
            except Refused as error:
                refused[document_id] = error.detail
        return refused

    async def _sweep(self, changes: Sequence[Change]) -> None:
        """Remove every chunk of these documents that is older than the record.

        Whoever adds an old chunk after a newer record stands finds that record here; one
        added before the newer record is found here by the record's writer.
        """
        standing = await self._records.versions(change.document_id for change in changes)
        await self._engine.update(
            [
                models.DeleteOperation(
                    delete=models.FilterSelector(
                        filter=models.Filter(
                            must=[equals("document", document_id), older_than(version)]
                        )
                    )
                )
                for document_id, version in standing.items()
            ]
        )


def _items(change: Change) -> Iterator[_Item]:
    entry = change.entry
    if entry is None:
        return
    columns = {
        key: column_name(key, kind) for key, kind in numeric_columns([entry.document]).items()
    }
    shared = document_payload(entry.document, entry.version, columns)
    shared_bytes = len(orjson.dumps(shared))
    for index, chunk in enumerate(entry.chunks):
        vectors: dict[str, Any] = {TEXT: entry.vectors[index].tolist()}
        numbers = entry.vectors.shape[1]
        if entry.tokens is not None and len(entry.tokens[index]):
            vectors[TOKENS] = entry.tokens[index].tolist()
            numbers += entry.tokens[index].size
        payload = {**shared, **chunk_payload(chunk, entry.document.title)}
        words = (entry.document.title, chunk.text, *chunk.heading_path)
        characters = sum(map(len, words))
        size = shared_bytes + _BYTES_PER_CHARACTER * characters + _BYTES_PER_NUMBER * numbers
        point = models.PointStruct(id=chunk.ref.uuid, vector=vectors, payload=payload)
        yield _Item(change.document_id, change.version, point, size)


def _operations(items: Sequence[_Item]) -> list[models.UpsertOperation]:
    """One for each document: its points replace older ones only."""
    return [
        models.UpsertOperation(
            upsert=models.PointsList(
                points=[item.point for item in group],
                update_filter=models.Filter(must=[older_than(version)]),
            )
        )
        for (_, version), group in groupby(items, lambda item: (item.document_id, item.version))
    ]


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Cut points into requests of bounded size."""
    batch: list[_Item] = []
    size = 0
    for item in items:
        full = len(batch) == _POINTS_PER_CALL or size + item.bytes > _BYTES_PER_CALL
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.bytes
    if batch:
        yield batch
