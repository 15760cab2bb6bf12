"""A file or standard input as every loader sees it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from indexer.draft import Draft, Refusal
from services.errors import TooLarge

_CONTAINER_FACTOR = 16
"""A container (PDF, DOCX, …) is mostly pictures and fonts: it may be larger than its text."""

Loader = Callable[["Source"], Iterator[Draft | Refusal]]
"""Gives a source's documents; raises InvalidDocument or TooLarge where it has none to give."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a loader reads.

    Attributes:
        id: the id of a document that names none; records of many get "id#number".
        name: how it is called in messages.
        opener: opens it for reading from its start.
        size: bytes, 0 where not known.
        path: where it lies; None for standard input, which can be opened only once.
        max_document_bytes: the most UTF-8 that a document's text may have.
    """

    id: str
    name: str
    opener: Callable[[], AbstractContextManager[BinaryIO]]
    size: int = 0
    path: Path | None = None
    max_document_bytes: int = 16 * 2**20

    @property
    def stem(self) -> str:
        """The file's name without its suffix, a title where there is no better."""
        return PurePosixPath(self.id).stem or self.id

    @property
    def max_container_bytes(self) -> int:
        """The most bytes that a container may have, packed and unpacked."""
        return self.max_document_bytes * _CONTAINER_FACTOR

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The bytes, to be streamed."""
        return self.opener()

    def read(self, max_bytes: int | None = None) -> bytes:
        """All the bytes.

        Raises:
            TooLarge: there are more than ``max_bytes`` (by default ``max_document_bytes``).
        """
        limit = self.max_document_bytes if max_bytes is None else max_bytes
        with self.open() as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise TooLarge(
                f"It has more than {limit} bytes. Split it or raise WINNOW_MAX_DOCUMENT_BYTES."
            )
        return content

    def read_container(self) -> bytes:
        """All the bytes of a container; raises TooLarge."""
        return self.read(self.max_container_bytes)
