"""JSON: one object, or an array of objects that may be of any length."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from indexer.draft import Draft, Refusal
from indexer.drafts import draft_from_json
from indexer.loaders.decoding import BINARY, detect_encoding
from indexer.loaders.source import Source
from services.errors import InvalidDocument, TooLarge, WinnowError

_READ_BYTES = 65_536
_METADATA_ROOM = 4
_WHITE = re.compile(r"[ \t\r\n]*")
_LONGEST_MARK = 16  # an escape, a literal or a number that the buffer's end has cut


def load(source: Source) -> Iterator[Draft | Refusal]:
    """A document for an object; for an array one for each of its objects, streamed.

    An object without an id has the file's; in an array "path#number", from 1.
    """
    with source.open() as stream:
        text = _Text(stream, source.max_document_bytes * _METADATA_ROOM)
        if text.peek() != "[":
            value = text.value()
            if text.peek():
                raise InvalidDocument(
                    "It holds more than one JSON value: name it .jsonl or use --format jsonl."
                )
            yield draft_from_json(value, "The object", strict=False, identifier=source.id)
            return
        for number, value in enumerate(_items(text), start=1):
            try:
                yield draft_from_json(
                    value, f"Item {number}", strict=False, identifier=f"{source.id}#{number}"
                )
            except WinnowError as error:
                yield Refusal(f"{source.name}#{number}", error.detail)


def _items(text: "_Text") -> Iterator[object]:
    text.take("[")
    if text.peek() == "]":
        return
    while True:
        yield text.value()
        if text.peek() == "]":
            return
        text.take(",")


class _Text:
    """JSON text read piece by piece, never more of it than its largest value needs."""

    def __init__(self, stream: BinaryIO, max_characters: int) -> None:
        self._stream = stream
        self._max_characters = max_characters
        self._decoder = json.JSONDecoder()
        start = stream.read(_READ_BYTES)
        self._bytes = codecs.getincrementaldecoder(detect_encoding(start))()
        self._buffer = self._decode(start, final=False)
        self._at = 0
        self._ended = not start

    def peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while True:
            self._at = _WHITE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def take(self, mark: str) -> None:
        """Step over a mark that must stand here."""
        found = self.peek()
        if found != mark:
            shown = repr(found) if found else "the end of the file"
            raise InvalidDocument(f"It is not JSON: '{mark}' is expected, not {shown}.")
        self._at += 1

    def value(self) -> object:
        """The next value.

        Raises:
            InvalidDocument: it is not JSON.
            TooLarge: it is longer than a document may be.
        """
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                self._read_on(error)
            except RecursionError:
                raise InvalidDocument("Its JSON is nested too deep.") from None
            else:
                # A number at the buffer's end may go on in the next piece.
                if end < len(self._buffer) or not self._more():
                    self._at = end
                    return value

    def _read_on(self, error: json.JSONDecodeError) -> None:
        """Read more where the fault may be that the value is not all there."""
        unfinished = error.pos >= len(self._buffer) - _LONGEST_MARK or error.msg.startswith(
            "Unterminated"
        )
        if len(self._buffer) - self._at > self._max_characters:
            raise TooLarge(f"It holds a value of more than {self._max_characters} characters.")
        if not unfinished or not self._more():
            raise InvalidDocument(f"It is not JSON: {error.msg}.")

    def _more(self) -> bool:
        """Read on, as much again as there is; False at the end."""
        if self._ended:
            return False
        self._buffer = self._buffer[self._at :]
        self._at = 0
        content = self._stream.read(max(_READ_BYTES, len(self._buffer)))
        self._ended = not content
        self._buffer += self._decode(content, final=self._ended)
        return True

    def _decode(self, content: bytes, *, final: bool) -> str:
        try:
            return self._bytes.decode(content, final=final)
        except UnicodeDecodeError:
            raise InvalidDocument(BINARY) from None
