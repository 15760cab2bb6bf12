"""Draft to document: what is checked and settled before the ledger takes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from indexer.draft import Draft, storable
from indexer.outcomes import Removal
from services.analysis.detect import detect_language
from services.collections import Collection, Schema
from services.documents import Document, Heading, check_id
from services.errors import InvalidDocument, TooLarge, WinnowError
from services.ports.ledger import Write

MAX_LINE_BYTES = 8_191
MAX_ARRAY_VALUES = 1_000
MAX_PRINCIPALS = 1_000
MAX_PRINCIPAL_BYTES = 512

_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]{1,32})?")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Writes for the ledger in the order of the operations, or the reason of a refusal."""

    schema: Schema
    writes: Sequence[Write | WinnowError]


def prepare(
    operations: Sequence[Draft | Removal], collection: Collection, max_document_bytes: int
) -> Prepared:
    """Check each operation; a refused one changes neither the schema nor the others."""
    schema = collection.schema
    writes: list[Write | WinnowError] = []
    for operation in operations:
        try:
            check_id(operation.id)
            if isinstance(operation, Removal):
                writes.append(Write(operation.id, None))
                continue
            extended, document = prepare_document(
                operation, replace(collection, schema=schema), max_document_bytes
            )
        except WinnowError as error:
            writes.append(error)
        else:
            schema = extended
            writes.append(Write(document.id, document))
    return Prepared(schema, writes)


def prepare_document(
    draft: Draft, collection: Collection, max_document_bytes: int
) -> tuple[Schema, Document]:
    """One draft as a document of the collection, with the schema it leaves behind.

    Raises:
        InvalidDocument, SchemaConflict, TooLarge: it cannot be stored as it is.
    """
    draft = draft.checked(max_document_bytes)
    schema, metadata = collection.schema.coerce(draft.metadata)
    for key, value in metadata.items():
        if isinstance(value, tuple) and len(value) > MAX_ARRAY_VALUES:
            raise InvalidDocument(
                f"'{key}' has {len(value)} values; an array has at most {MAX_ARRAY_VALUES}."
            )
    document = Document(
        id=draft.id,
        text=draft.text,
        title=_line("title", " ".join(draft.title.split())),
        url=_line("url", storable(draft.url).strip()),
        language=_language(draft, collection),
        metadata=metadata,
        principals=_principals(draft.principals),
        outline=_outline(draft),
    )
    return schema, document


def _line(name: str, value: str) -> str:
    size = len(value.encode())
    if size > MAX_LINE_BYTES:
        raise TooLarge(
            f"Its {name} has {size} bytes; at most {MAX_LINE_BYTES} are kept. "
            "Put long text into the document's text."
        )
    if not value.isprintable():
        value = "".join(mark if mark.isprintable() else "\ufffd" for mark in value)
    return value


def _language(draft: Draft, collection: Collection) -> str:
    tag = draft.language.strip()
    if not tag:
        return collection.language or detect_language(f"{draft.title}\n{draft.text}")
    match = _LANGUAGE.fullmatch(tag)
    if match is None:
        raise InvalidDocument(
            f"{tag[:40]!r} is not a language: use an ISO 639-1 code such as en or pt, "
            "or leave it out to have it detected."
        )
    return match.group(1).lower()


def _principals(principals: Sequence[str]) -> tuple[str, ...]:
    if len(principals) > MAX_PRINCIPALS:
        raise InvalidDocument(
            f"It names {len(principals)} principals; use groups, at most {MAX_PRINCIPALS}."
        )
    for principal in principals:
        size = len(principal.encode("utf-8", "surrogatepass"))
        if not 1 <= size <= MAX_PRINCIPAL_BYTES or not principal.isprintable():
            raise InvalidDocument(
                f"A principal has 1 to {MAX_PRINCIPAL_BYTES} bytes of printable characters; "
                f"{principal[:40]!r} does not."
            )
    return tuple(dict.fromkeys(principals))


def _outline(draft: Draft) -> tuple[Heading, ...]:
    before = 0
    for heading in draft.outline:
        if not before <= heading.start <= len(draft.text) or heading.level < 1:
            raise InvalidDocument(
                "An outline's headings come in the order of their starts, inside the text, "
                "with levels from 1."
            )
        before = heading.start
    return tuple(
        replace(heading, text=" ".join(storable(heading.text).split())) for heading in draft.outline
    )
