"""Documents and the chunks they are cut into."""

import hashlib
import json
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from services.errors import InvalidId

Scalar = str | int | float | bool | datetime
Value = Scalar | tuple[Scalar, ...]

MAX_ID_BYTES = 512

_CHUNK_NAMESPACE = uuid.UUID("6f1c9a52-2f4e-5d0b-9c57-77696e6e6f77")


# A late-interaction window asks for hundreds of names, often of the same chunks: 5 MB at most.
_KEYS_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document's text: where its section starts, its depth (1 is outermost)."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """What a caller stores and finds again.

    Attributes:
        id: the caller's own, 1 to 512 bytes of UTF-8 without control characters.
        text: plain text; every offset in Winnow counts its Unicode code points.
        language: ISO 639-1 code, or "" for one to be detected.
        metadata: filterable values; keys and types follow the collection's schema.
        principals: who may read it; empty means everybody.
        outline: the headings in the order of their starts.
    """

    id: str
    text: str
    title: str = ""
    url: str = ""
    language: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict)
    principals: tuple[str, ...] = ()
    outline: tuple[Heading, ...] = ()

    def content_hash(self) -> str:
        """SHA-256 over everything that a reader or an index can see of the document."""
        content = [
            self.text,
            self.title,
            self.url,
            self.language,
            sorted((key, encode_value(value)) for key, value in self.metadata.items()),
            sorted(self.principals),
            [(heading.start, heading.level, heading.text) for heading in self.outline],
        ]
        canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


class ChunkRef(NamedTuple):
    """Names one chunk: the document's id and the chunk's place in it, from 0.

    A tuple, since every stage keeps hundreds of them in mappings: hashing and comparing one
    costs a third of what a dataclass takes.
    """

    document_id: str
    ordinal: int

    @property
    def key(self) -> uuid.UUID:
        """The chunk's id in both engines: uuid5 of document id and ordinal."""
        return _chunk_key(self)

    @property
    def uuid(self) -> str:
        """The same id as text."""
        return str(self.key)


@lru_cache(maxsize=_KEYS_KEPT)
def _chunk_key(ref: ChunkRef) -> uuid.UUID:
    # As uuid.uuid5 makes it, at half of the time.
    name = f"{ref.ordinal}:{ref.document_id}".encode()
    raw = bytearray(hashlib.sha1(_CHUNK_NAMESPACE.bytes + name, usedforsecurity=False).digest())
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(raw[:16]))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: ``text == document.text[start:end]``.

    Attributes:
        version: the version of the document that it was cut from (0 while unstored).
        heading_path: the headings it stands under, outermost first.
    """

    document_id: str
    ordinal: int
    start: int
    end: int
    text: str
    heading_path: tuple[str, ...] = ()
    version: int = 0

    @property
    def ref(self) -> ChunkRef:
        """Its name."""
        return ChunkRef(self.document_id, self.ordinal)

    def passage_digest(self, title: str) -> str:
        """32 hexadecimal digits of what an encoder reads of it in a document with a title."""
        passage = json.dumps((title, self.heading_path, self.text))
        return hashlib.sha256(passage.encode()).hexdigest()[:32]


def check_id(identifier: str) -> str:
    """Return a document id as it is, or raise InvalidId saying what is wrong with it."""
    try:
        size = len(identifier.encode("utf-8"))
    except UnicodeEncodeError:
        raise InvalidId("The id is not valid Unicode (a lone surrogate): send UTF-8.") from None
    if not 1 <= size <= MAX_ID_BYTES:
        raise InvalidId(f"An id has 1 to {MAX_ID_BYTES} bytes of UTF-8; this one has {size}.")
    if any(unicodedata.category(character) == "Cc" for character in identifier):
        raise InvalidId("An id may not hold control characters (line breaks, tabs, NUL).")
    return identifier


def encode_value(value: Value) -> object:
    """A metadata value as JSON holds it: dates as ISO 8601 in UTC, tuples as lists."""
    if isinstance(value, tuple):
        return [encode_value(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
