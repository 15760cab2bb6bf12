"""Rows to values and back.

Free text is kept as bytes, since JSON can bring lone surrogates, which SQLite's own text
cannot hold; JSON columns are ASCII for the same reason. Dates carry a mark, so that a row
can be read without its schema.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from services.collections import Collection, FieldType, Schema
from services.documents import Document, Heading, Value
from services.generations import (
    ChunkerConfiguration,
    EncoderFingerprint,
    Generation,
    GenerationFingerprint,
    GenerationState,
)
from services.ports.ledger import Record, Summary

SUMMARY_COLUMNS = "d.id, d.version, d.title, d.url, d.language, d.metadata, d.principals"
RECORD_COLUMNS = f"{SUMMARY_COLUMNS}, d.deleted, d.updated_at, b.text, b.outline"
COLLECTION_COLUMNS = "c.name, c.language, c.created_at, c.fields"
GENERATION_COLUMNS = "g.id, g.fingerprint, g.state, g.created_at"

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


def dump_metadata(metadata: Mapping[str, Value]) -> str:
    """Metadata as JSON; a date becomes ``{"date": ISO 8601}``."""
    return json.dumps({key: _dump(value) for key, value in metadata.items()})


def load_metadata(raw: str) -> dict[str, Value]:
    """Metadata with its dates and arrays as they were given."""
    return {key: _load(value) for key, value in json.loads(raw).items()}


def _dump(value: Value) -> object:
    if isinstance(value, tuple):
        return [_dump(item) for item in value]
    return {"date": value.isoformat()} if isinstance(value, datetime) else value


def _load(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_load(item) for item in value)
    return datetime.fromisoformat(value["date"]) if isinstance(value, dict) else value


def dump_outline(outline: tuple[Heading, ...]) -> str:
    """The outline as JSON triples."""
    return json.dumps([(heading.start, heading.level, heading.text) for heading in outline])


def dump_schema(schema: Schema) -> str:
    """The schema as a JSON object in the order of its keys."""
    return json.dumps(dict(schema.fields))


def load_schema(raw: str) -> Schema:
    """The schema, its keys in the order of their declaration."""
    return Schema({key: FieldType(kind) for key, kind in json.loads(raw).items()})


def dump_fingerprint(fingerprint: GenerationFingerprint) -> str:
    """The fingerprint as JSON."""
    return json.dumps(asdict(fingerprint))


def load_fingerprint(raw: str) -> GenerationFingerprint:
    """The fingerprint as it was given."""
    fields = json.loads(raw)
    encoder = fields["encoder"]
    return GenerationFingerprint(
        encoder=None if encoder is None else EncoderFingerprint(**encoder),
        chunker=ChunkerConfiguration(**fields["chunker"]),
        analyzers=fields["analyzers"],
    )


def collection(row: Row) -> Collection:
    """From COLLECTION_COLUMNS."""
    name, language, created_at, fields = row
    return Collection(name, load_schema(fields), language, datetime.fromisoformat(created_at))


def generation(collection_name: str, row: Row) -> Generation:
    """From GENERATION_COLUMNS."""
    identifier, fingerprint, state, created_at = row
    return Generation(
        collection_name,
        identifier,
        load_fingerprint(fingerprint),
        GenerationState(state),
        datetime.fromisoformat(created_at),
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
