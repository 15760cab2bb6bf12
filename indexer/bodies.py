"""What the routes of collections and documents take and answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.collections import Collection, FieldType
from services.documents import Heading, encode_value
from services.ports.ledger import Record, Summary


class CollectionBody(BaseModel):
    """A collection's declaration; keys that are not declared get the type of their first value."""

    model_config = ConfigDict(extra="forbid")

    fields: dict[str, FieldType] = Field(default={}, validation_alias="schema")
    language: Annotated[str, Field(pattern="^([a-z]{2,3})?$")] = Field(
        default="", description="ISO 639-1 code of documents that name none; empty: detected"
    )


class CollectionAnswer(BaseModel):
    """A collection as it is."""

    name: str
    fields: dict[str, FieldType] = Field(serialization_alias="schema")
    language: str
    created_at: datetime

    @classmethod
    def of(cls, collection: Collection) -> "CollectionAnswer":
        """The answer for a collection."""
        return cls(
            name=collection.name,
            fields=dict(collection.schema.fields),
            language=collection.language,
            created_at=collection.created_at,
        )


class CollectionsAnswer(BaseModel):
    """Every collection, by name."""

    collections: list[CollectionAnswer]


class Refused(BaseModel):
    """Why a document was not taken or cannot be indexed; ``line`` counts from 1."""

    line: int | None = None
    id: str
    type: str = Field(description="the problem's slug, such as schema-conflict")
    detail: str


class CollectionState(CollectionAnswer):
    """A collection with what it holds."""

    documents: int
    pending: int = Field(description="documents and deletions that searches do not see yet")
    dead_letters: list[Refused] = Field(
        description="the first hundred documents that cannot be indexed"
    )


class HeadingBody(BaseModel):
    """A heading: where its section starts in the text, in code points; level 1 is outermost."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start: Annotated[int, Field(ge=0)]
    level: Annotated[int, Field(ge=1, le=99)]
    text: str

    def heading(self) -> Heading:
        """The domain's own."""
        return Heading(self.start, self.level, self.text)


class DocumentBody(BaseModel):
    """A document; describes what is taken, the values are checked by the domain."""

    id: str = Field(default="", description="may be left out where the URL names it")
    text: str = ""
    title: str = ""
    url: str = ""
    language: str = Field(default="", description="ISO 639-1 code; empty: detected")
    metadata: dict[str, Any] = Field(
        default={}, description="strings, numbers, booleans, dates or arrays of them"
    )
    principals: list[str] = Field(default=[], description="who may read it; empty: everybody")
    format: str = Field(default="text", description="of the text: text, markdown or html")
    outline: list[HeadingBody] = Field(default=[], description="headings of a plain text")


class DocumentSummary(BaseModel):
    """A document without its text."""

    id: str
    version: int
    title: str
    url: str
    language: str
    metadata: dict[str, Any]
    principals: list[str]

    @classmethod
    def of(cls, summary: Summary) -> "DocumentSummary":
        """The answer for a summary."""
        return cls(
            id=summary.document_id,
            version=summary.version,
            title=summary.title,
            url=summary.url,
            language=summary.language,
            metadata=_encoded(summary.metadata),
            principals=list(summary.principals),
        )


class DocumentAnswer(DocumentSummary):
    """A document whole."""

    text: str
    outline: list[HeadingBody]
    updated_at: datetime

    @classmethod
    def whole(cls, record: Record) -> "DocumentAnswer":
        """The answer for a live record."""
        document = record.document
        if document is None:
            raise ValueError("a tombstone has no document")
        return cls(
            id=document.id,
            version=record.version,
            title=document.title,
            url=document.url,
            language=document.language,
            metadata=_encoded(document.metadata),
            principals=list(document.principals),
            text=document.text,
            outline=[
                HeadingBody(start=heading.start, level=heading.level, text=heading.text)
                for heading in document.outline
            ],
            updated_at=record.updated_at,
        )


class DocumentsAnswer(BaseModel):
    """Documents by id; ``next`` is the ``after`` of the next page, null on the last."""

    documents: list[DocumentSummary]
    next: str | None


class WriteAnswer(BaseModel):
    """What became of one write.

    ``changed`` is false where the content was stored already. ``searchable`` is known only
    where it was waited for; ``reason`` says why a wait ended without it.
    """

    id: str
    version: int
    changed: bool
    searchable: bool = False
    reason: str = ""


class BulkAnswer(BaseModel):
    """What became of the lines.

    ``refused`` names the first thousand, ``refused_total`` counts all; every other line was
    taken. ``searchable`` and ``reason`` as for one write.
    """

    accepted: int
    unchanged: int
    deleted: int
    refused: list[Refused]
    refused_total: int
    searchable: bool = False
    reason: str = ""


def _encoded(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: encode_value(value) for key, value in metadata.items()}
