"""Plain text in any encoding that can be told."""

from collections.abc import Iterator

from indexer.draft import Draft
from indexer.loaders.decoding import decode
from indexer.loaders.source import Source
from services.errors import InvalidDocument


def load(source: Source) -> Iterator[Draft]:
    """One document; its title is the file's name."""
    text = decode(source.read())
    if not text.strip():
        raise InvalidDocument("It is empty.")
    yield Draft(source.id, text, title=source.stem)
