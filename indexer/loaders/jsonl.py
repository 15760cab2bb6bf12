"""JSON Lines: a document a line; BEIR's corpus.jsonl is one."""

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from indexer.draft import Draft, Refusal
from indexer.drafts import draft_from_json
from indexer.loaders.source import Source
from services.errors import InvalidDocument, WinnowError

_BOM = b"\xef\xbb\xbf"
_METADATA_ROOM = 4
"""A line may hold a text of the greatest size in escapes, and its metadata."""


def load(source: Source) -> Iterator[Draft | Refusal]:
    """A document a line, streamed; a line that is none is refused alone.

    A document that names no id has its line's: "path#number", from 1.
    """
    limit = source.max_document_bytes * _METADATA_ROOM
    with source.open() as stream:
        for number, line in _lines(stream, limit):
            where = f"Line {number}"
            if line is None:
                reason = f"It has more than {limit} bytes."
                yield Refusal(f"{source.name}:{number}", reason)
            elif line.strip():
                try:
                    yield draft_from_json(
                        parse(line), where, strict=False, identifier=f"{source.id}#{number}"
                    )
                except WinnowError as error:
                    yield Refusal(f"{source.name}:{number}", error.detail)


def parse(content: bytes) -> object:
    """One JSON value; InvalidDocument where it is none (NaN and bad UTF-8 among them)."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidDocument(f"It is not JSON: {error}.") from None


def _lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None for one that is too long to be read."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if len(line) <= limit:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(limit)
        yield number, None
