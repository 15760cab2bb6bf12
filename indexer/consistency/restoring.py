"""Reading a backup into a ledger: nothing is written before the whole file was checked."""

import asyncio
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.consistency.backup import OnRecords
from indexer.consistency.backup_format import (
    FORMAT,
    Fields,
    Section,
    load_record,
    load_section,
)
from services.analysis.table import ANALYZERS_VERSION
from services.collections import check_collection_name
from services.documents import check_id
from services.errors import AlreadyExists, CollectionNotFound, DataFormatUnsupported, InvalidInput
from services.generations import Generation, GenerationState
from services.ports.ledger import Ledger, Record

_AT_ONCE = 500
_AT_ONCE_BYTES = 8 * 2**20

_DAMAGE = (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError)


class BackupDamaged(InvalidInput):
    """A file is no backup, or not as it was written; nothing was restored."""

    slug = "backup-damaged"
    title = "The backup cannot be read"


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a backup's content.

    Attributes:
        collections: their names.
        records: read from the backup.
        stored: of these, as many as were newer than what the ledger held.
    """

    collections: tuple[str, ...]
    records: int
    stored: int


async def restore(ledger: Ledger, path: Path, on_records: OnRecords | None = None) -> Restored:
    """Store a backup's collections and records, versions and times included.

    A collection that is there gets the schema's keys and the records that are newer; one that
    is not is made with a generation of its own, built as the one that was live. What was
    stored is pending: indexing it rebuilds both engines. Restoring twice is restoring once.

    Raises:
        BackupDamaged: the file is not whole, or no backup.
        DataFormatUnsupported: a newer Winnow wrote it.
        SchemaConflict: a collection that is there has another type for a key.
        BackendUnavailable: the ledger failed on the way; restore again.
    """
    for section in await asyncio.to_thread(_check, path):
        await _check_schema(ledger, section)
    names: list[str] = []
    records = stored = 0
    with gzip.open(path) as file:
        lines = _Lines(file)
        while batch := await asyncio.to_thread(lines.batch):
            if isinstance(batch, Section):
                await _ensure(ledger, batch)
                names.append(batch.collection.name)
                continue
            stored += await ledger.documents.restore(names[-1], batch)
            records += len(batch)
            if on_records is not None:
                on_records(records)
    return Restored(tuple(names), records, stored)


async def _check_schema(ledger: Ledger, section: Section) -> None:
    """Raise SchemaConflict where the collection is there and cannot take the keys."""
    try:
        held = await ledger.collections.get(section.collection.name)
    except CollectionNotFound:
        return
    held.schema.declare(section.collection.schema.fields)


async def _ensure(ledger: Ledger, section: Section) -> None:
    """Make the collection, or extend the one that is there."""
    name = section.collection.name
    # Analyzers come with this Winnow; nothing is indexed yet.
    fingerprint = replace(section.built_with, analyzers=ANALYZERS_VERSION)
    first = Generation(name, Generation.new_id(1, fingerprint), fingerprint, GenerationState.LIVE)
    try:
        await ledger.collections.create(section.collection, first)
    except AlreadyExists:
        await ledger.collections.extend_schema(section.collection)


def _check(path: Path) -> list[Section]:
    """Read everything once, or raise BackupDamaged; returns its collections."""
    checksum = hashlib.sha256()
    sections: list[Section] = []
    records = 0
    end: Fields | None = None
    with _told(path), gzip.open(path) as file:
        header = file.readline()
        _check_header(json.loads(header))
        checksum.update(header)
        for line in file:
            if end is not None:
                raise ValueError("there is more after its end")
            fields = json.loads(line)
            if "end" in fields:
                end = fields["end"]
                continue
            checksum.update(line)
            if "collection" in fields:
                sections.append(load_section(fields))
                check_collection_name(sections[-1].collection.name)
            elif not sections:
                raise ValueError("a record stands before any collection")
            else:
                check_id(load_record(fields).document_id)
                records += 1
    found = {"collections": len(sections), "records": records, "sha256": checksum.hexdigest()}
    if end != found:
        what = "its end is missing" if end is None else "its checksum does not hold"
        raise BackupDamaged(f"{path.name} is no whole backup: {what}. Nothing was restored.")
    return sections


def _check_header(fields: Fields) -> None:
    found = fields["winnow_backup"]
    if found > FORMAT:
        raise DataFormatUnsupported(
            f"The backup has format {found}; this Winnow reads up to {FORMAT}. Restore it with "
            f"Winnow {fields['version']} or newer.",
            retry_after_s=None,
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what a damaged file leads to into BackupDamaged."""
    try:
        yield
    except _DAMAGE as error:
        raise BackupDamaged(
            f"{path.name} is no whole backup: {error}. Nothing was restored."
        ) from error


class _Lines:
    """A checked file, a collection or some records at a time."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self._file.readline()
        self._next: Fields = json.loads(self._file.readline())

    def batch(self) -> Section | list[Record] | None:
        """The next collection, or records of the one before; None at the end."""
        if "end" in self._next:
            return None
        if "collection" in self._next:
            section = load_section(self._next)
            self._next = json.loads(self._file.readline())
            return section
        records: list[Record] = []
        room = _AT_ONCE_BYTES
        while "id" in self._next and len(records) < _AT_ONCE and room > 0:
            records.append(load_record(self._next))
            line = self._file.readline()
            room -= len(line)
            self._next = json.loads(line)
        return records
