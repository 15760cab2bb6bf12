"""A document version as rows: one for each chunk, one for the document."""

import hashlib
from collections.abc import Sequence

from services.analysis.table import analyzer_of
from services.collections import values_of
from services.columns import metadata_kinds, to_stored
from services.documents import Chunk, Document
from services.errors import InvalidDocument
from services.opensearch.bulk import Action
from services.opensearch.client import Json
from services.opensearch.lexical.columns import column_name
from services.opensearch.lexical.schema import CHUNK, DOCUMENT, chunk_field, document_field
from services.opensearch.lexical.words import indexed_words
from services.opensearch.packing import encodable, pack, unpack
from services.ports.lexical import LexicalEntry, Tombstone


def document_row_id(document_id: str) -> str:
    """The ``_id`` of a document's own row; no chunk's, which are UUIDs, can equal it."""
    return f"document-{hashlib.sha256(document_id.encode()).hexdigest()}"


def external(version: int) -> dict[str, object]:
    """Options of a write that loses against the same version or a newer one."""
    return {"version": version, "version_type": "external"}


def chunk_actions(entry: LexicalEntry) -> list[Action]:
    """Writes of a version's chunks."""
    language = analyzer_of(entry.document.language).language
    narrowing = _narrowing(entry.document)
    title = indexed_words(language, (entry.document.title,))
    return [
        Action(
            "index",
            chunk.ref.uuid,
            external(entry.version),
            {
                "kind": CHUNK,
                "id": chunk.document_id,
                "ordinal": chunk.ordinal,
                "version": entry.version,
                "chunk": _encode_chunk(chunk, entry.version),
                chunk_field("title", language): title,
                chunk_field("words", language): [
                    *title,
                    *indexed_words(language, (*chunk.heading_path, chunk.text)),
                ],
                **narrowing,
            },
        )
        for chunk in entry.chunks
    ]


def document_action(item: LexicalEntry | Tombstone) -> Action:
    """The write of the document's own row, over its whole text, or of what a deletion leaves.

    A tombstone stays for good, so that a late older write cannot bring the document back.
    """
    row = _tombstone(item) if isinstance(item, Tombstone) else _document(item)
    return Action("index", document_row_id(document_of(item)), external(item.version), row)


def document_of(item: LexicalEntry | Tombstone) -> str:
    """The id of the document."""
    return item.document_id if isinstance(item, Tombstone) else item.document.id


def check_principals(document: Document) -> None:
    """Raise InvalidDocument for a principal that the engine would store as another."""
    if not all(encodable(principal) for principal in document.principals):
        raise InvalidDocument("A principal is not valid Unicode (a lone surrogate).")


def decode_chunk(document_id: str, stored: str) -> Chunk:
    """The chunk of a stored row."""
    ordinal, start, end, heading_path, version, text = unpack(stored)
    return Chunk(document_id, ordinal, start, end, text, tuple(heading_path), version)


def _encode_chunk(chunk: Chunk, version: int) -> str:
    fields = (chunk.ordinal, chunk.start, chunk.end, chunk.heading_path, version, chunk.text)
    return pack(fields)


def _document(entry: LexicalEntry) -> Json:
    document = entry.document
    language = analyzer_of(document.language).language
    headings = (
        *(heading.text for heading in document.outline),
        *(heading for chunk in entry.chunks for heading in chunk.heading_path),
    )
    parts: Sequence[str] = (document.title, *dict.fromkeys(headings), document.text)
    return {
        "kind": DOCUMENT,
        "id": document.id,
        "version": entry.version,
        "chunks": len(entry.chunks),
        "live": True,
        "language": language,
        document_field(language): indexed_words(language, parts),
        **_narrowing(document),
    }


def _tombstone(tombstone: Tombstone) -> Json:
    return {
        "kind": DOCUMENT,
        "id": tombstone.document_id,
        "version": tombstone.version,
        "chunks": 0,
        "live": False,
    }


def _narrowing(document: Document) -> Json:
    """What filters and rights read: who may see the row, and typed columns."""
    row: Json = {"public": not document.principals, "principals": list(document.principals)}
    for key, kind in metadata_kinds(document).items():
        # Once each, since facets count rows.
        stored = {to_stored(item) for item in values_of(document.metadata[key])}
        row[column_name(kind, key)] = sorted(stored)
    return row
