"""HTML pages: their main content."""

import re
from collections.abc import Iterator

from indexer.draft import Draft
from indexer.loaders.decoding import decode
from indexer.loaders.source import Source
from indexer.rendering.html import render
from services.errors import InvalidDocument

_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 4_096


def load(source: Source) -> Iterator[Draft]:
    """One document; the page's own title, address, language, author and date."""
    rendered = render(_text(source.read()))
    if not rendered.text.strip():
        raise InvalidDocument("No text is in it: its content may be made by scripts.")
    yield Draft(
        id=source.id,
        text=rendered.text,
        title=rendered.title or source.stem,
        url=rendered.url,
        language=rendered.language,
        metadata=rendered.metadata,
        outline=rendered.outline,
    )


def _text(content: bytes) -> str:
    """The page as text: an encoding that it declares and keeps to comes before a guess."""
    declared = _DECLARED.search(content, 0, _HEAD_BYTES)
    if declared is not None and b"\0" not in content:
        try:
            return content.decode(declared[1].decode("ascii"))
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(content)
