"""Collections and the schema of their metadata."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from services.documents import Scalar, Value
from services.errors import InvalidDocument, InvalidInput, SchemaConflict

MAX_KEYS_PER_TYPE = 64
MAX_KEY_LENGTH = 128
MAX_KEYWORD_BYTES = 8_191
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_INT64 = 2**63


class FieldType(StrEnum):
    """What a metadata key holds, or an array of."""

    KEYWORD = "keyword"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Schema:
    """Metadata keys with their types, in the order of their declaration.

    The order is kept for ever: an engine with a fixed set of columns gives each key the
    column of its place among the keys of its type.
    """

    fields: Mapping[str, FieldType] = field(default_factory=dict)

    def coerce(self, metadata: Mapping[str, object]) -> tuple["Schema", dict[str, Value]]:
        """Check metadata against the schema and give undeclared keys the type of their value.

        Args:
            metadata: raw values as JSON or a loader gives them; None means "not set".

        Returns:
            the schema, extended where new keys came in, and the typed values.

        Raises:
            InvalidDocument: a value that no type can hold (NaN, an object, mixed arrays).
            SchemaConflict: a value of another type than the schema has for its key.
        """
        fields = dict(self.fields)
        values: dict[str, Value] = {}
        for key, raw in metadata.items():
            if raw is None or (isinstance(raw, (list, tuple)) and not raw):
                continue
            known = fields.get(_check_key(key))
            if known is None:
                known = fields[key] = _infer(key, raw)
                _check_room(fields, known)
            values[key] = _coerce(key, known, raw)
        return (self if len(fields) == len(self.fields) else Schema(fields)), values

    def declare(self, additions: Mapping[str, FieldType]) -> "Schema":
        """Add keys; raises SchemaConflict where a key is declared with another type."""
        fields = dict(self.fields)
        for key, kind in additions.items():
            known = fields.setdefault(_check_key(key), kind)
            if known is not kind:
                raise SchemaConflict(
                    f"'{key}' is declared as {known}; it cannot become {kind}. "
                    "Use another key, or another collection."
                )
            _check_room(fields, kind)
        return Schema(fields)


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents with a schema.

    Attributes:
        language: the language of documents that name none ("" lets Winnow detect it).
    """

    name: str
    schema: Schema = field(default_factory=Schema)
    language: str = ""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def check_collection_name(name: str) -> str:
    """Return a collection's name as it is, or raise InvalidInput saying what is allowed."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "A collection's name has 1 to 63 lower-case letters, digits, '-' or '_' "
            f"and starts with a letter or digit; {name[:80]!r} does not."
        )
    return name


def _check_key(key: str) -> str:
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidDocument(
            f"A metadata key has 1 to {MAX_KEY_LENGTH} printable characters; {key[:80]!r} does not."
        )
    return key


def _check_room(fields: Mapping[str, FieldType], kind: FieldType) -> None:
    if sum(known is kind for known in fields.values()) > MAX_KEYS_PER_TYPE:
        raise SchemaConflict(
            f"A collection holds at most {MAX_KEYS_PER_TYPE} {kind} keys. "
            "Leave out metadata that nobody filters by, or use several collections."
        )


def _infer(key: str, raw: object) -> FieldType:
    items = raw if isinstance(raw, (list, tuple)) else (raw,)
    if any(isinstance(item, float) for item in items):
        return FieldType.FLOAT
    match items[0]:
        case bool():
            return FieldType.BOOLEAN
        case int():
            return FieldType.INTEGER
        case date():
            return FieldType.DATE
        case str():
            return FieldType.KEYWORD
        case other:
            raise InvalidDocument(
                f"Metadata '{key}' is of type {type(other).__name__}: "
                "use strings, numbers, booleans, dates or arrays of them."
            )


def _coerce(key: str, kind: FieldType, raw: object) -> Value:
    if isinstance(raw, (list, tuple)):
        return tuple(coerce_scalar(key, kind, item) for item in raw)
    return coerce_scalar(key, kind, raw)


def coerce_scalar(key: str, kind: FieldType, raw: object) -> Scalar:
    """One raw value as its key's type, for documents and filters alike.

    Raises:
        SchemaConflict: the value is of another type.
        InvalidDocument: the value is of the type but cannot be stored.
    """
    match kind, raw:
        case (FieldType.KEYWORD, str()):
            return _storable_keyword(key, raw)
        case (FieldType.BOOLEAN, bool()):
            return raw
        case (FieldType.INTEGER, int()) if not isinstance(raw, bool):
            if not -_INT64 <= raw < _INT64:
                raise InvalidDocument(f"'{key}' does not fit 64 bits: send it as a string.")
            return raw
        case (FieldType.FLOAT, int() | float()) if not isinstance(raw, bool):
            return _finite(key, raw)
        case (FieldType.DATE, date() | str()):
            return _moment(key, raw)
    shown = raw if isinstance(raw, (str, int, float, bool)) else type(raw).__name__
    raise SchemaConflict(
        f"'{key}' is declared as {kind}; {str(shown)[:80]!r} is not one. "
        "Send a value of that type or use another key."
    )


def _storable_keyword(key: str, raw: str) -> str:
    size = len(raw.encode("utf-8", "surrogatepass"))
    if size > MAX_KEYWORD_BYTES:
        raise InvalidDocument(
            f"'{key}' has {size} bytes; a keyword has at most {MAX_KEYWORD_BYTES}. "
            "Put long text into the document's text."
        )
    if any("\ud800" <= character <= "\udfff" for character in raw):
        raise InvalidDocument(f"'{key}' is not valid Unicode (a lone surrogate).")
    return raw


def _finite(key: str, raw: int | float) -> float:
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidDocument(f"'{key}' is not a finite number.")
    return number


def _moment(key: str, raw: date | str) -> datetime:
    if isinstance(raw, datetime):
        return _utc(key, raw)
    if isinstance(raw, date):
        return datetime(raw.year, raw.month, raw.day, tzinfo=UTC)
    try:
        return _utc(key, datetime.fromisoformat(raw))
    except ValueError:
        raise SchemaConflict(
            f"'{key}' is declared as date; {raw[:80]!r} is not an ISO 8601 date "
            "such as 2026-05-01 or 2026-05-01T12:00:00Z."
        ) from None


def _utc(key: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidDocument(f"'{key}' is outside the years 1 to 9999.") from None


def values_of(value: Value | None) -> Sequence[Scalar]:
    """A value's elements: an array's items, a scalar alone, nothing for a missing key."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
