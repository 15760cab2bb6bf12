"""A point's payload: what the index knows of a chunk, under names of its own.

Metadata keys never become names of payload fields, since Qdrant reads those as JSON paths.
``terms`` holds every value of every key as one keyword, for equality; a numeric key also
has a typed column for ranges, whose name the adapter chooses. Keywords, and integers that a
float does not tell apart, are ordered by a dictionary of the adapter's. ``readers`` says
who may read it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.collections import FieldType, values_of
from services.documents import Chunk, Document, Scalar, Value

TERMS = "terms"
READERS = "readers"
EVERYBODY = "*"
REFERENCE = ["document", "ordinal", "version"]
CHUNK = [*REFERENCE, "start", "end", "text", "headings"]
PASSAGE = "passage"
"""The digest of what the vectors are of; points of older versions of Winnow have none."""

EXACT = 2**53
"""Integers below it in magnitude are exact as floats; Qdrant's ranges compare floats."""


def term(key: str, value: Scalar) -> str:
    """A key's value as one keyword; keys hold no control character, so none collide."""
    return f"{key}\x1f{_canonical(value)}"


def reader(principal: str) -> str:
    """A principal as ``readers`` holds it, told apart from EVERYBODY."""
    return f"={principal}"


def numeric_kind(value: Value) -> FieldType | None:
    """The type of column that a value needs, None for keywords and booleans."""
    match values_of(value)[0]:
        case bool() | str():
            return None
        case int():
            return FieldType.INTEGER
        case float():
            return FieldType.FLOAT
        case _:
            return FieldType.DATE


def dictionary_words(metadata: Mapping[str, Value]) -> Iterable[tuple[str, str | int]]:
    """Keys with the values that only a dictionary can order."""
    for key, value in metadata.items():
        for item in values_of(value):
            if isinstance(item, str) or (isinstance(item, int) and is_large(item)):
                yield key, item


def is_large(value: Scalar) -> bool:
    """Whether it is an integer that a float cannot tell from its neighbours."""
    return isinstance(value, int) and not -EXACT < value < EXACT


def document_payload(
    document: Document, version: int, columns: Mapping[str, str]
) -> dict[str, Any]:
    """The fields that all chunks of a document share; ``columns`` by numeric key."""
    fields: dict[str, Any] = {
        "document": document.id,
        "version": version,
        TERMS: [
            term(key, item) for key, value in document.metadata.items() for item in values_of(value)
        ],
        READERS: [reader(principal) for principal in document.principals] or [EVERYBODY],
    }
    for key, value in document.metadata.items():
        if key in columns:
            fields[columns[key]] = [_comparable(item) for item in values_of(value)]
    return fields


def chunk_payload(chunk: Chunk, title: str) -> dict[str, Any]:
    """The fields of one chunk of a document with a title."""
    return {
        PASSAGE: chunk.passage_digest(title),
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "headings": list(chunk.heading_path),
    }


def chunk_of(payload: Mapping[str, Any]) -> Chunk:
    """The chunk that a payload tells of."""
    return Chunk(
        payload["document"],
        payload["ordinal"],
        payload["start"],
        payload["end"],
        payload["text"],
        tuple(payload["headings"]),
        payload["version"],
    )


def numeric_columns(documents: Sequence[Document]) -> dict[str, FieldType]:
    """The columns that these documents need, by key."""
    return {
        key: kind
        for document in documents
        for key, value in document.metadata.items()
        if values_of(value) and (kind := numeric_kind(value)) is not None
    }


def date_text(moment: datetime) -> str:
    """A date as Qdrant reads it: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat()


def _canonical(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value + 0.0)  # -0.0 equals 0.0
        case datetime():
            return date_text(value)
        case _:
            return str(value)


def _comparable(value: Scalar) -> Scalar:
    if isinstance(value, datetime):
        return date_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        # Large ones only stand on their side here; the dictionary orders them.
        return max(-EXACT, min(EXACT, value))
    return value
