"""Writing a backup: the ledger read from end to end, while it is written to.

A backup holds every write that was acknowledged before it began; of those made meanwhile it
may hold some. Nothing of the engines is in it: they are rebuilt from the documents.
"""

import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

from indexer.consistency.backup_format import (
    FORMAT,
    Fields,
    dump_record,
    dump_section,
    encoded,
)
from services.ports.ledger import Ledger
from services.version import VERSION

_PAGE = 1_000
_PAGE_BYTES = 8 * 2**20
_GZIP = 16 + zlib.MAX_WBITS

OnRecords = Callable[[int], None]
"""Hears how many records were written so far."""


async def backup(
    ledger: Ledger, names: Sequence[str] = (), on_records: OnRecords | None = None
) -> AsyncIterator[bytes]:
    """The bytes of a backup, of these collections or of all.

    Raises:
        CollectionNotFound: one of them is not there; nothing was given then.
        BackendUnavailable: the ledger does not answer; what was given lacks its end.
    """
    chosen = [await ledger.collections.get(name) for name in names]
    collections = chosen or list(await ledger.collections.list())
    pressed = _Press()
    yield pressed.line(
        {"winnow_backup": FORMAT, "version": VERSION, "created_at": datetime.now(UTC).isoformat()}
    )
    records = 0
    for collection in collections:
        head = await ledger.collections.head(collection.name)
        kept = await ledger.collections.generations(collection.name)
        # Read again: its schema may have grown since it was listed.
        current = await ledger.collections.get(collection.name)
        yield pressed.line(dump_section(current, head.live, kept))
        after = ""
        while page := await ledger.documents.records(collection.name, after, _PAGE, _PAGE_BYTES):
            after = page[-1].document_id
            records += len(page)
            yield b"".join(pressed.line(dump_record(record)) for record in page)
            if on_records is not None:
                on_records(records)
    yield pressed.end(len(collections), records)


class _Press:
    """Compresses lines and sums them up."""

    def __init__(self) -> None:
        self._checksum = hashlib.sha256()
        self._gzip = zlib.compressobj(wbits=_GZIP)

    def line(self, fields: Fields) -> bytes:
        """What is ready of the compressed text after one more line."""
        line = encoded(fields)
        self._checksum.update(line)
        return self._gzip.compress(line)

    def end(self, collections: int, records: int) -> bytes:
        """The rest, the last line included."""
        sums = {
            "collections": collections,
            "records": records,
            "sha256": self._checksum.hexdigest(),
        }
        return self._gzip.compress(encoded({"end": sums})) + self._gzip.flush()
