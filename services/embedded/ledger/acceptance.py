"""Taking writes into the ledger."""

import json
import sqlite3
from collections import Counter
from datetime import UTC

from services.documents import Document
from services.embedded.ledger import rows
from services.ledger_texts import dump_metadata, dump_outline
from services.ports.ledger import Accepted, Record, Write


class Acceptance:
    """The writes of one transaction on one collection."""

    def __init__(self, connection: sqlite3.Connection, collection: int) -> None:
        self._connection = connection
        self._collection = collection
        self._now = rows.now()
        self._generations = [
            key
            for (key,) in connection.execute(
                "SELECT key FROM generations WHERE collection = ?", (collection,)
            )
        ]
        self._changed = False
        self._growth: Counter[str] = Counter()

    def accept(self, write: Write) -> Accepted:
        """Store one write where it changes something."""
        document = write.document
        version, deleted, known_hash, language = self._held(write.document_id)
        digest = _digest(document)
        if deleted is (document is None) and known_hash == digest:
            return Accepted(write.document_id, version, changed=False)
        record = Record(write.document_id, version + 1, document, self._now)
        self._replace(record, digest, deleted, language)
        return Accepted(write.document_id, version + 1, changed=True)

    def restore(self, record: Record) -> bool:
        """Store a record as it was where that is newer than what is held; whether it was."""
        version, deleted, _, language = self._held(record.document_id)
        if record.version <= version:
            return False
        self._replace(record, _digest(record.document), deleted, language)
        return True

    def supersede(self, document_id: str, above: int) -> None:
        """Take a version above the newest and the given one, with the content that is there."""
        found = self._connection.execute(
            "UPDATE documents SET version = max(version, ?) + 1 "
            "WHERE collection = ? AND id = ? RETURNING key",
            (above, self._collection, document_id),
        ).fetchone()
        if found is None:
            self._store(Record(document_id, above + 1, None, self._now), b"")
        else:
            self._queue(found[0])
        self._changed = True

    def finish(self) -> None:
        """Bring the collection's counts and epoch up to date."""
        raise_epoch(self._connection, self._collection, self._changed)
        self._connection.executemany(
            "INSERT INTO languages VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET documents = documents + excluded.documents",
            [(self._collection, language, growth) for language, growth in self._growth.items()],
        )

    def _held(self, document_id: str) -> tuple[int, bool, bytes, str]:
        """Version, whether deleted, hash and language; nothing there counts as deleted."""
        found = self._connection.execute(
            "SELECT version, deleted, hash, language FROM documents "
            "WHERE collection = ? AND id = ?",
            (self._collection, document_id),
        ).fetchone()
        version, deleted, known_hash, language = found or (0, True, b"", "")
        return version, bool(deleted), known_hash, language

    def _replace(self, record: Record, digest: bytes, deleted: bool, language: str) -> None:
        """Store a record where one of ``language`` was, or where it was ``deleted``."""
        self._store(record, digest)
        if not deleted:
            self._growth[language] -= 1
        if record.document is not None:
            self._growth[record.document.language] += 1
        self._changed = True

    def _store(self, record: Record, digest: bytes) -> None:
        shown = record.document or Document(record.document_id, "")
        (key,) = self._connection.execute(
            "INSERT INTO documents (collection, id, version, deleted, hash, updated_at, "
            "title, url, language, metadata, principals) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (collection, id) DO UPDATE SET version = excluded.version, "
            "deleted = excluded.deleted, hash = excluded.hash, updated_at = excluded.updated_at, "
            "title = excluded.title, url = excluded.url, language = excluded.language, "
            "metadata = excluded.metadata, principals = excluded.principals RETURNING key",
            (
                self._collection,
                record.document_id,
                record.version,
                record.document is None,
                digest,
                record.updated_at.astimezone(UTC).isoformat(),
                rows.to_bytes(shown.title),
                rows.to_bytes(shown.url),
                shown.language,
                dump_metadata(shown.metadata),
                json.dumps(shown.principals),
            ),
        ).fetchone()
        self._store_body(key, record.document)
        self._queue(key)

    def _store_body(self, key: int, document: Document | None) -> None:
        if document is None:
            self._connection.execute("DELETE FROM bodies WHERE document = ?", (key,))
        else:
            self._connection.execute(
                "INSERT OR REPLACE INTO bodies (document, text, outline) VALUES (?, ?, ?)",
                (key, rows.to_bytes(document.text), dump_outline(document.outline)),
            )

    def _queue(self, key: int) -> None:
        self._connection.execute("DELETE FROM dead_letters WHERE document = ?", (key,))
        self._connection.executemany(
            "INSERT OR REPLACE INTO pending (generation, document) VALUES (?, ?)",
            [(generation, key) for generation in self._generations],
        )


def _digest(document: Document | None) -> bytes:
    return b"" if document is None else bytes.fromhex(document.content_hash())


def raise_epoch(connection: sqlite3.Connection, collection: int, changed: bool) -> int:
    """Count a change of the collection's answers; returns the epoch after it."""
    (epoch,) = connection.execute(
        "UPDATE collections SET epoch = epoch + ? WHERE key = ? RETURNING epoch",
        (changed, collection),
    ).fetchone()
    return int(epoch)
