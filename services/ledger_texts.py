"""Parts of the ledger's records as JSON texts, on both stacks.

ASCII, so that lone surrogates pass. Dates carry a mark, so that metadata can be read
without its schema.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.collections import FieldType, Schema
from services.documents import Heading, Value
from services.generations import (
    Build,
    ChunkerConfiguration,
    EncoderFingerprint,
    GenerationFingerprint,
    Speed,
)

_NO_METADATA = "{}"


def dump_metadata(metadata: Mapping[str, Value]) -> str:
    """Metadata as JSON; a date becomes ``{"date": ISO 8601}``."""
    return json.dumps({key: _dump(value) for key, value in metadata.items()})


def load_metadata(raw: str) -> dict[str, Value]:
    """Metadata with its dates and arrays as they were given."""
    if raw == _NO_METADATA:  # as of most documents, and a search reads hundreds
        return {}
    return {key: _load(value) for key, value in json.loads(raw).items()}


def _dump(value: Value) -> object:
    if isinstance(value, tuple):
        return [_dump(item) for item in value]
    return {"date": value.isoformat()} if isinstance(value, datetime) else value


def _load(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_load(item) for item in value)
    return datetime.fromisoformat(value["date"]) if isinstance(value, dict) else value


def dump_outline(outline: tuple[Heading, ...]) -> str:
    """The outline as JSON triples."""
    return json.dumps([(heading.start, heading.level, heading.text) for heading in outline])


def dump_schema(schema: Schema) -> str:
    """The schema as a JSON object in the order of its keys."""
    return json.dumps(dict(schema.fields))


def load_schema(raw: str) -> Schema:
    """The schema, its keys in the order of their declaration."""
    return Schema({key: FieldType(kind) for key, kind in json.loads(raw).items()})


def dump_fingerprint(fingerprint: GenerationFingerprint) -> str:
    """The fingerprint as JSON."""
    return json.dumps(asdict(fingerprint))


def load_fingerprint(raw: str) -> GenerationFingerprint:
    """The fingerprint as it was given."""
    fields = json.loads(raw)
    encoder = fields["encoder"]
    return GenerationFingerprint(
        encoder=None if encoder is None else EncoderFingerprint(**encoder),
        chunker=ChunkerConfiguration(**fields["chunker"]),
        analyzers=fields["analyzers"],
        language=fields.get("language", ""),
    )


def dump_build(build: Build, retired_at: datetime | None) -> str:
    """What changes of a generation after it was added, its state aside."""
    retired = retired_at.isoformat() if retired_at else None
    return json.dumps({**asdict(build), "retired_at": retired})


def load_build(raw: str) -> tuple[Build, datetime | None]:
    """What :func:`dump_build` was given; nothing was asked of a generation without a text."""
    if not raw:
        return Build(), None
    fields = json.loads(raw)
    retired = fields.pop("retired_at")
    build = Build(**(fields | {"speed": Speed(**fields["speed"])}))
    return build, datetime.fromisoformat(retired) if retired else None
