"""Documents as rows and back."""

from collections.abc import Mapping
from datetime import UTC, datetime

from services.documents import Document, Heading
from services.ledger_texts import dump_metadata, load_metadata
from services.opensearch.client import Json
from services.opensearch.packing import pack, unpack
from services.ports.ledger import DeadLetter, Record, Summary

SUMMARY_FIELDS = ("version", "deleted", "summary")
RECORD_FIELDS = (*SUMMARY_FIELDS, "updated_at", "body", "settled")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def content(document_id: str, document: Document | None, updated_at: datetime) -> Json:
    """The fields of a row that follow from its document; None leaves a tombstone."""
    shown = document or Document(document_id, "")
    summary = (
        shown.title,
        shown.url,
        shown.language,
        dump_metadata(shown.metadata),
        shown.principals,
    )
    outline = [(heading.start, heading.level, heading.text) for heading in shown.outline]
    return {
        "id": document_id,
        "deleted": document is None,
        "language": shown.language,
        "size": len(shown.text.encode("utf-8", "surrogatepass")),
        "hash": "" if document is None else document.content_hash(),
        "updated_at": updated_at.astimezone(UTC).isoformat(),
        "summary": pack(summary),
        "body": pack((shown.text, outline)),
    }


def unsettled(content: Json, version: int, change: int) -> Json:
    """A whole row: a version of some content that no generation has taken yet.

    Args:
        change: microseconds since 1970, by which what is pending is ordered.
    """
    marks = {"settled": [], "dead": [], "letters": dump_letters({})}
    return content | {"version": version, "change": change} | marks


def summary(document_id: str, row: Json) -> Summary:
    """From SUMMARY_FIELDS."""
    title, url, language, metadata, principals = unpack(row["summary"])
    return Summary(
        document_id,
        row["version"],
        title,
        url,
        language,
        load_metadata(metadata),
        tuple(principals),
    )


def record(document_id: str, row: Json) -> Record:
    """From RECORD_FIELDS."""
    document = None
    if not row["deleted"]:
        head = summary(document_id, row)
        text, outline = unpack(row["body"])
        document = Document(
            document_id,
            text,
            head.title,
            head.url,
            head.language,
            head.metadata,
            head.principals,
            tuple(Heading(*heading) for heading in outline),
        )
    return Record(document_id, row["version"], document, datetime.fromisoformat(row["updated_at"]))


def dump_letters(letters: Mapping[str, DeadLetter]) -> str:
    """The dead letters of one row by the key of their generation."""
    return pack(
        {
            key: (letter.version, letter.reason, letter.at.isoformat())
            for key, letter in letters.items()
        }
    )


def load_letters(document_id: str, text: str) -> dict[str, DeadLetter]:
    """What :func:`dump_letters` was given."""
    return {
        key: DeadLetter(document_id, version, reason, datetime.fromisoformat(at))
        for key, (version, reason, at) in unpack(text).items()
    }
