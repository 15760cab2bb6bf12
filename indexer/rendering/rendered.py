"""What rendering gives, and how it is put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.documents import Heading


@dataclass(frozen=True, slots=True)
class Rendered:
    """Plain text and what the markup says about it; offsets in code points of ``text``."""

    text: str
    title: str = ""
    url: str = ""
    language: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    outline: tuple[Heading, ...] = ()


class TextBuilder:
    """Collects blocks of text, a blank line between them, and notes where headings stand."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._outline: list[Heading] = []

    def block(self, text: str, *, tight: bool = False) -> None:
        """Add a block; a tight one follows the last with only a line's end between."""
        text = text.strip("\n")
        if not text.strip():
            return
        if self._parts:
            self._add("\n" if tight else "\n\n")
        self._add(text)

    def heading(self, text: str, level: int) -> None:
        """Add a heading: its text on one line."""
        text = " ".join(text.split())
        if not text:
            return
        start = self.next_start
        self.block(text)
        self._outline.append(Heading(start, level, text))

    def extend(self, rendered: Rendered) -> None:
        """Add all of another text with its headings."""
        if not rendered.text.strip():
            return
        start = self.next_start
        start -= len(rendered.text) - len(rendered.text.lstrip("\n"))
        self.block(rendered.text)
        self._outline += [
            Heading(start + heading.start, heading.level, heading.text)
            for heading in rendered.outline
        ]

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    @property
    def outline(self) -> tuple[Heading, ...]:
        """The headings so far, in the order of their starts."""
        return tuple(self._outline)

    @property
    def next_start(self) -> int:
        """Where the next block that is not tight will begin."""
        return self._length + (2 if self._parts else 0)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
