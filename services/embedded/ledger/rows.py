"""Rows to values and back.

Free text is kept as bytes, since JSON can bring lone surrogates, which SQLite's own text
cannot hold; JSON columns are ASCII for the same reason. Dates carry a mark, so that a row
can be read without its schema.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from services.collections import Collection
from services.documents import Document, Heading
from services.generations import Generation, GenerationState
from services.ledger_texts import load_build, load_fingerprint, load_metadata, load_schema
from services.ports.ledger import Record, Summary

SUMMARY_COLUMNS = "d.id, d.version, d.title, d.url, d.language, d.metadata, d.principals"
RECORD_COLUMNS = f"{SUMMARY_COLUMNS}, d.deleted, d.updated_at, b.text, b.outline"
COLLECTION_COLUMNS = "c.name, c.language, c.created_at, c.fields"
GENERATION_COLUMNS = "g.id, g.fingerprint, g.state, g.created_at, g.build"
NAMED = "FROM json_each(?) n CROSS JOIN documents d ON d.collection = ? AND d.id = n.value"

Row = tuple[Any, ...]


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def to_bytes(text: str) -> bytes:
    """Text as the file holds it."""
    return text.encode("utf-8", "surrogatepass")


def to_text(raw: bytes) -> str:
    """Text as it was given."""
    return raw.decode("utf-8", "surrogatepass")


def collection(row: Row) -> Collection:
    """From COLLECTION_COLUMNS."""
    name, language, created_at, fields = row
    return Collection(name, load_schema(fields), language, datetime.fromisoformat(created_at))


def generation(collection_name: str, row: Row) -> Generation:
    """From GENERATION_COLUMNS."""
    identifier, fingerprint, state, created_at, raw_build = row
    build, retired_at = load_build(raw_build)
    return Generation(
        collection_name,
        identifier,
        load_fingerprint(fingerprint),
        GenerationState(state),
        datetime.fromisoformat(created_at),
        retired_at,
        build,
    )


def summary(row: Row) -> Summary:
    """From SUMMARY_COLUMNS."""
    identifier, version, title, url, language, metadata, principals = row
    return Summary(
        identifier,
        version,
        to_text(title),
        to_text(url),
        language,
        load_metadata(metadata),
        tuple(json.loads(principals)),
    )


def record(row: Row) -> Record:
    """From RECORD_COLUMNS."""
    *short, deleted, updated_at, text, outline = row
    head = summary(tuple(short))
    document = None
    if not deleted:
        document = Document(
            head.document_id,
            to_text(text),
            head.title,
            head.url,
            head.language,
            load_metadata(short[5]),
            head.principals,
            tuple(Heading(*heading) for heading in json.loads(outline)),
        )
    return Record(head.document_id, head.version, document, datetime.fromisoformat(updated_at))


def records(found: Iterable[Row], max_bytes: int) -> list[Record]:
    """From RECORD_COLUMNS: one at least, then as many as stay under these bytes of text."""
    kept: list[Record] = []
    room = max_bytes
    for row in found:
        room -= len(row[-2] or b"")
        if kept and room < 0:
            break
        kept.append(record(row))
    return kept
