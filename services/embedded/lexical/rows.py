"""A document version as rows: one for each chunk, one for the document."""

import json
from collections.abc import Iterable

from tantivy import Document as Row
from tantivy import PreTokenizedString, Token

from services.analysis.table import analyzer_of
from services.analysis.terms import engine_text, terms
from services.collections import FieldType, values_of
from services.columns import metadata_kinds, to_stored
from services.documents import Chunk, ChunkRef, Document, Scalar
from services.embedded.lexical.columns import Columns
from services.embedded.lexical.schema import words_field
from services.ports.lexical import LexicalEntry, Tombstone


def row_key(ref: ChunkRef) -> str:
    """Names a chunk's row."""
    return f"{ref.ordinal}:{ref.document_id}"


def chunk_rows(entry: LexicalEntry, columns: Columns) -> list[Row]:
    """The rows of a version's chunks."""
    language = analyzer_of(entry.document.language).language
    return [_chunk_row(chunk, entry, language, columns) for chunk in entry.chunks]


def _chunk_row(chunk: Chunk, entry: LexicalEntry, language: str, columns: Columns) -> Row:
    document = entry.document
    row = Row()
    row.add_text("id", document.id)
    row.add_text("key", row_key(chunk.ref))
    row.add_integer("version", entry.version)
    row.add_bytes("chunk", encode_chunk(chunk, entry.version))
    _add_words(row, "title", language, (document.title,))
    _add_words(row, "words", language, (document.title, *chunk.heading_path, chunk.text))
    _add_narrowing(row, document, columns)
    return row


def document_row(entry: LexicalEntry, columns: Columns) -> Row:
    """The row of the document itself, over its whole text."""
    document = entry.document
    language = analyzer_of(document.language).language
    row = _version_row(document.id, entry.version, len(entry.chunks), live=True)
    row.add_text("language", language)
    headings = (
        *(heading.text for heading in document.outline),
        *(heading for chunk in entry.chunks for heading in chunk.heading_path),
    )
    parts = (document.title, *dict.fromkeys(headings), document.text)
    _add_words(row, words_field(language), language, parts)
    _add_narrowing(row, document, columns)
    return row


def tombstone_row(tombstone: Tombstone) -> Row:
    """What stays of a deleted document, so that a late older write cannot bring it back."""
    return _version_row(tombstone.document_id, tombstone.version, 0, live=False)


def encode_chunk(chunk: Chunk, version: int) -> bytes:
    """A chunk as it is stored; ASCII only, so that lone surrogates pass."""
    fields = (chunk.ordinal, chunk.start, chunk.end, chunk.heading_path, version, chunk.text)
    return json.dumps(fields, separators=(",", ":")).encode()


def decode_chunk(document_id: str, stored: bytes) -> Chunk:
    """The chunk that :func:`encode_chunk` stored."""
    ordinal, start, end, heading_path, version, text = json.loads(stored)
    return Chunk(document_id, ordinal, start, end, text, tuple(heading_path), version)


def _version_row(document_id: str, version: int, chunks: int, *, live: bool) -> Row:
    row = Row()
    row.add_text("id", document_id)
    row.add_integer("version", version)
    row.add_integer("chunks", chunks)
    row.add_boolean("live", live)
    return row


def _add_words(row: Row, name: str, language: str, parts: Iterable[str]) -> None:
    """Add texts one after the other; no phrase reaches from one into the next."""
    for part in parts:
        if not part:
            continue
        text = engine_text(language, part)
        if text is not None:
            row.add_text(name, text)
            continue
        tokens = [Token(term.text, term.position, 0, 0) for term in terms(language, part)]
        row.add_pre_tokenized_text(name, PreTokenizedString("", tokens))


def _add_narrowing(row: Row, document: Document, columns: Columns) -> None:
    row.add_boolean("public", not document.principals)
    for principal in document.principals:
        row.add_text("principals", principal)
    kinds = metadata_kinds(document)
    for key, kind in kinds.items():
        column = columns.column(key, kind)
        if column is not None:
            # Sorted, since an array sorts by its first element; once each, since facets count rows.
            for value in sorted({to_stored(item) for item in values_of(document.metadata[key])}):
                _add_value(row, kind, column, value)


def _add_value(row: Row, kind: FieldType, column: str, value: Scalar) -> None:
    match kind:
        case FieldType.KEYWORD:
            row.add_text(column, str(value))
        case FieldType.INTEGER | FieldType.DATE:
            row.add_integer(column, int(value))  # type: ignore[arg-type]  # stored values are numbers
        case FieldType.FLOAT:
            row.add_float(column, float(value))  # type: ignore[arg-type]
        case FieldType.BOOLEAN:
            row.add_boolean(column, bool(value))
