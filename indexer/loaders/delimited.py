"""CSV and TSV: a document a row.

The first row names the columns. Columns called as ``ID_NAMES``, ``TITLE_NAMES``,
``TEXT_NAMES``, ``URL_NAMES`` or ``LANGUAGE_NAMES`` (any case) are what they are called; where
none is a text, the text is every cell as "column: value". Other columns become metadata, a
column whose cells all read as integers, numbers, booleans or ISO dates with that type, else
as strings; empty cells are not set. Digits with leading zeros are codes, not numbers.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, TextIO, cast

from indexer.draft import Draft, Refusal
from indexer.drafts import (
    ID_NAMES,
    LANGUAGE_NAMES,
    TEXT_NAMES,
    TITLE_NAMES,
    URL_NAMES,
    draft_from_json,
)
from indexer.loaders.decoding import BINARY, detect_encoding
from indexer.loaders.source import Source
from services.errors import InvalidDocument, WinnowError

_SAMPLE_BYTES = 65_536
_SPOOL_BYTES = 8 * 2**20
_DELIMITERS = "\t;|,"
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+)?(?:[eE][+-]?\d{1,2})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_BOOLEANS = {"true": True, "false": False}
_TEXTUAL = frozenset((*ID_NAMES, *TITLE_NAMES, *TEXT_NAMES, *URL_NAMES, *LANGUAGE_NAMES))

_Reading = Callable[[str], object]


def load(source: Source) -> Iterator[Draft | Refusal]:
    """A document a row, streamed; one without an id has "path#number", rows counted from 1."""
    csv.field_size_limit(source.max_document_bytes)
    with _rewindable(source) as stream:
        try:
            yield from _load(source, stream)
        except UnicodeDecodeError:
            raise InvalidDocument(BINARY) from None


def _load(source: Source, stream: BinaryIO) -> Iterator[Draft | Refusal]:
    columns, readings = _survey(source, stream)
    has_text = any(column.casefold() in TEXT_NAMES for column in columns)
    for number, row in _rows(source, stream):
        name = f"{source.name}#{number}"
        if isinstance(row, str):
            yield Refusal(name, row)
            continue
        if len(row) > len(columns):
            reason = f"It has {len(row)} cells for {len(columns)} columns: quote its delimiters."
            yield Refusal(name, reason, id=f"{source.id}#{number}")
            continue
        cells = dict(zip(columns, row, strict=False))
        raw = {column: readings[column](cell) for column, cell in cells.items() if cell.strip()}
        if not has_text:
            raw["text"] = "\n".join(f"{key}: {cell}" for key, cell in cells.items() if cell.strip())
        try:
            yield draft_from_json(
                raw, f"Row {number}", strict=False, identifier=f"{source.id}#{number}"
            )
        except WinnowError as error:
            yield Refusal(name, error.detail, id=f"{source.id}#{number}")


@contextmanager
def _rewindable(source: Source) -> Iterator[BinaryIO]:
    """The bytes, to be read twice: standard input is kept in a temporary file for that."""
    with source.open() as stream:
        if stream.seekable():
            yield stream
            return
        with SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            while piece := stream.read(_SAMPLE_BYTES):
                spool.write(piece)
            yield cast("BinaryIO", spool)


def _rows(source: Source, stream: BinaryIO) -> Iterator[tuple[int, Sequence[str] | str]]:
    """Each row after the first with its number, or what is wrong with it."""
    reader = _reader(source, stream)
    next(reader, None)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"It cannot be read: {error}."
            continue
        if any(cell.strip() for cell in row):
            yield number, row


def _reader(source: Source, stream: BinaryIO) -> Iterator[list[str]]:
    stream.seek(0)
    sample = stream.read(_SAMPLE_BYTES)
    encoding = detect_encoding(sample)
    stream.seek(0)
    # Not TextIOWrapper: it would close the stream when it is collected.
    lines = codecs.getreader(encoding)(stream)
    head = sample.decode(encoding, errors="ignore").split("\n")[0]
    return csv.reader(cast("TextIO", _lines(lines)), delimiter=_delimiter(source, head))


def _lines(reader: codecs.StreamReader) -> Iterator[str]:
    pending = ""
    while piece := reader.read(_SAMPLE_BYTES):
        *lines, pending = (pending + piece).split("\n")
        yield from (line + "\n" for line in lines)
    if pending:
        yield pending


def _delimiter(source: Source, head: str) -> str:
    if source.id.casefold().endswith((".tsv", ".tab")):
        return "\t"
    return max(_DELIMITERS, key=lambda mark: (head.count(mark), mark == ","))


def _survey(source: Source, stream: BinaryIO) -> tuple[list[str], dict[str, _Reading]]:
    """The columns, and how each one's cells are read, from all of them."""
    header = next(_reader(source, stream), None)
    if not header or not any(name.strip() for name in header):
        raise InvalidDocument("It is empty: its first row must name its columns.")
    columns = [_column(name, place) for place, name in enumerate(header, start=1)]
    if len(set(columns)) < len(columns):
        raise InvalidDocument("Two of its columns have the same name.")
    possible: list[list[_Reading]] = [[*_READINGS] for _ in columns]
    for _, row in _rows(source, stream):
        if isinstance(row, str):
            continue
        for readings, cell in zip(possible, row, strict=False):
            if readings and cell.strip():
                readings[:] = [reading for reading in readings if reading(cell) is not None]
    return columns, {
        column: readings[0] if readings and column not in _TEXTUAL else str
        for column, readings in zip(columns, possible, strict=True)
    }


def _column(name: str, place: int) -> str:
    name = name.strip()
    if not name:
        return f"column_{place}"
    return name.casefold() if name.casefold() in _TEXTUAL else name


def _integer(cell: str) -> int | None:
    return int(cell) if _INTEGER.fullmatch(cell.strip()) else None


def _number(cell: str) -> float | None:
    text = cell.strip()
    return float(text) if _NUMBER.fullmatch(text) and any(map(str.isdigit, text)) else None


def _boolean(cell: str) -> bool | None:
    return _BOOLEANS.get(cell.strip().casefold())


def _date(cell: str) -> date | None:
    text = cell.strip()
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


_READINGS: tuple[_Reading, ...] = (_integer, _number, _boolean, _date)
