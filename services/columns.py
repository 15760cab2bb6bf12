"""Metadata values as the typed columns of a text index hold them, on both stacks."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.collections import FieldType, values_of
from services.documents import Document, Scalar
from services.errors import InvalidDocument

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Stored = str | int | float | bool
"""A value as a column holds it."""


def to_stored(value: Scalar) -> Stored:
    """A value as its column holds it: dates as microseconds since 1970, one zero only."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, float):
        return value + 0.0  # -0.0 equals 0.0 but is another term
    return value


def from_stored(kind: FieldType, stored: Stored) -> Scalar:
    """The value that a column holds; Tantivy hands whole floats and booleans out as numbers."""
    match kind:
        case FieldType.DATE:
            return _EPOCH + int(stored) * _MICROSECOND
        case FieldType.FLOAT:
            return float(stored)
        case FieldType.BOOLEAN:
            return bool(stored)
        case FieldType.INTEGER:
            return int(stored)
        case FieldType.KEYWORD:
            return str(stored)


def kind_of(value: Scalar) -> FieldType:
    """The column type of a typed metadata value."""
    match value:
        case bool():
            return FieldType.BOOLEAN
        case int():
            return FieldType.INTEGER
        case float():
            return FieldType.FLOAT
        case datetime():
            return FieldType.DATE
        case _:
            return FieldType.KEYWORD


def metadata_kinds(document: Document) -> Mapping[str, FieldType]:
    """The column type of each metadata key; raises InvalidDocument for mixed arrays."""
    kinds: dict[str, FieldType] = {}
    for key, value in document.metadata.items():
        found = {kind_of(item) for item in values_of(value)}
        if len(found) > 1:
            raise InvalidDocument(f"'{key}' mixes types; an array holds values of one type.")
        if found:
            kinds[key] = found.pop()
    return kinds
