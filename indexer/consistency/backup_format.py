"""A backup's form: JSON lines in gzip, the first naming the format, the last the checksum.

::

    {"winnow_backup": 1, "version": "…", "created_at": "…"}
    {"collection": {…}, "live": "g0001-…", "generations": [{"id", "fingerprint", …}]}
    {"id": "…", "version": 3, "updated_at": "…", "document": {…} or null}
    …                                     records of the collection before them, by id
    {"end": {"collections": 1, "records": 2, "sha256": "…"}}

The checksum covers every byte of the lines before it, uncompressed. Lines are ASCII, so
lone surrogates pass.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.collections import Collection
from services.documents import Document, Heading
from services.generations import Generation, GenerationFingerprint
from services.ledger_texts import (
    dump_fingerprint,
    dump_metadata,
    dump_schema,
    load_fingerprint,
    load_metadata,
    load_schema,
)
from services.ports.ledger import Record

FORMAT = 1

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """The beginning of a collection in a backup.

    Attributes:
        built_with: the fingerprint of the generation that was live.
    """

    collection: Collection
    built_with: GenerationFingerprint


def encoded(fields: object) -> bytes:
    """One line."""
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def dump_section(
    collection: Collection, live: Generation, generations: Sequence[Generation]
) -> Fields:
    """A collection with what its generations are made of."""
    return {
        "collection": {
            "name": collection.name,
            "language": collection.language,
            "created_at": collection.created_at.isoformat(),
            "schema": json.loads(dump_schema(collection.schema)),
        },
        "live": live.id,
        "generations": [
            {
                "id": each.id,
                "state": each.state,
                "created_at": each.created_at.isoformat(),
                "fingerprint": json.loads(dump_fingerprint(each.fingerprint)),
            }
            for each in generations
        ],
    }


def load_section(fields: Fields) -> Section:
    """What :func:`dump_section` was given, as far as a restoration needs it."""
    given = fields["collection"]
    collection = Collection(
        given["name"],
        load_schema(json.dumps(given["schema"])),
        given["language"],
        datetime.fromisoformat(given["created_at"]),
    )
    (live,) = (each for each in fields["generations"] if each["id"] == fields["live"])
    return Section(collection, load_fingerprint(json.dumps(live["fingerprint"])))


def dump_record(record: Record) -> Fields:
    """A document, or the tombstone of one."""
    document = record.document
    return {
        "id": record.document_id,
        "version": record.version,
        "updated_at": record.updated_at.isoformat(),
        "document": None
        if document is None
        else {
            "text": document.text,
            "title": document.title,
            "url": document.url,
            "language": document.language,
            "metadata": json.loads(dump_metadata(document.metadata)),
            "principals": document.principals,
            "outline": [asdict(heading) for heading in document.outline],
        },
    }


def load_record(fields: Fields) -> Record:
    """What :func:`dump_record` was given."""
    given = fields["document"]
    document = None
    if given is not None:
        document = Document(
            fields["id"],
            given["text"],
            given["title"],
            given["url"],
            given["language"],
            load_metadata(json.dumps(given["metadata"])),
            tuple(given["principals"]),
            tuple(Heading(**heading) for heading in given["outline"]),
        )
    updated_at = datetime.fromisoformat(fields["updated_at"])
    return Record(fields["id"], fields["version"], document, updated_at)
