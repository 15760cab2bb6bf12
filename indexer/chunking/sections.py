"""A document's sections, whole where they fit and joined where they are tiny."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from indexer.chunking.boundaries import skip_space, strip_space
from indexer.chunking.tokens import TokenIndex
from services.documents import Document, Heading

_TINY_SHARE = 4  # a section under a quarter of the limit is joined to a neighbour


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text under one path of headings: a chunk, or cut into several."""

    start: int
    end: int
    headings: tuple[Heading, ...]


@dataclass(slots=True)
class Section:
    """A heading with its own text and the sections under it.

    Attributes:
        level: the heading's depth, 0 for the whole document.
        body: where the text after the heading begins.
        own_end: where its own text ends and its first subsection begins.
        end: where its last subsection ends.
    """

    start: int
    level: int
    headings: tuple[Heading, ...]
    body: int = 0
    own_end: int = 0
    end: int = 0
    children: list["Section"] = field(default_factory=list)


def section_tree(document: Document) -> Section:
    """The document as a tree of its headings; a heading outside the text is left out."""
    text = document.text
    root = Section(0, 0, ())
    stack = [root]
    for heading in sorted(document.outline, key=lambda heading: heading.start):
        if not 0 <= heading.start < len(text):
            continue
        level = max(1, heading.level)
        _close(stack, level, heading.start)
        parent = stack[-1]
        section = Section(heading.start, level, (*parent.headings, heading))
        shown = text.startswith(heading.text, heading.start)
        section.body = heading.start + (len(heading.text) if shown else 0)
        if not parent.children:
            parent.own_end = heading.start
        parent.children.append(section)
        stack.append(section)
    _close(stack, 0, len(text))
    return root


def _close(stack: list[Section], level: int, end: int) -> None:
    """End the sections that a heading of this level ends."""
    while stack and stack[-1].level >= level:
        section = stack.pop()
        section.end = end
        if not section.children:
            section.own_end = end
        if section.level == 0:
            break


class SectionPacker:
    """Makes blocks of a tree of sections.

    Args:
        limit: the tokens that a chunk under a heading path may have.
        max_characters: the characters that a chunk may have.
    """

    def __init__(
        self,
        text: str,
        index: TokenIndex,
        limit: Callable[[tuple[str, ...]], int],
        max_characters: int,
    ) -> None:
        self._text = text
        self._index = index
        self._limit = limit
        self._max_characters = max_characters

    def blocks(self, section: Section) -> list[Block]:
        """The blocks of a section and all under it, in order, without empty ones."""
        if self._is_shell(section):
            return self.blocks(section.children[0])
        whole = Block(section.start, section.end, section.headings)
        if not section.children or self._fits(whole):
            return [whole] if self._filled(whole) else []
        own = Block(section.start, section.own_end, section.headings)
        only_heading = not self._text[section.body : section.own_end].strip()
        parts = [block for child in section.children for block in self.blocks(child)]
        if only_heading and parts:
            # A heading alone says nothing: it opens the first block under it.
            parts[0] = Block(section.start, parts[0].end, parts[0].headings)
        elif self._filled(own):
            parts.insert(0, own)
        return list(self._join(parts))

    def _is_shell(self, section: Section) -> bool:
        """Whether it is the whole document, and all of it stands under one heading."""
        return (
            section.level == 0
            and len(section.children) == 1
            and not self._text[: section.own_end].strip()
        )

    def _join(self, parts: list[Block]) -> Iterator[Block]:
        """Join neighbours of which one is tiny, as far as both fit into one chunk."""
        pending: Block | None = None
        for part in parts:
            if pending is None:
                pending = part
                continue
            joined = Block(pending.start, part.end, _common(pending.headings, part.headings))
            if (self._tiny(pending) or self._tiny(part)) and self._fits(joined):
                pending = joined
            else:
                yield pending
                pending = part
        if pending is not None:
            yield pending

    def _tokens(self, block: Block) -> int:
        return self._index.count(block.start, block.end)

    def _tiny(self, block: Block) -> bool:
        return self._tokens(block) * _TINY_SHARE < self._limit(texts(block.headings))

    def _filled(self, block: Block) -> bool:
        return skip_space(self._text, block.start, block.end) < block.end

    def _fits(self, block: Block) -> bool:
        if self._tokens(block) > self._limit(texts(block.headings)):
            return False
        start = skip_space(self._text, block.start, block.end)
        return strip_space(self._text, start, block.end) - start <= self._max_characters


class SectionPaths:
    """The heading path of any stretch of a text."""

    def __init__(self, text: str, root: Section) -> None:
        self._text = text
        self._sections: list[Section] = []
        pending = [root]
        while pending:
            section = pending.pop()
            self._sections.append(section)
            pending += reversed(section.children)
        self._starts = [section.start for section in self._sections]

    def over(self, start: int, end: int) -> tuple[str, ...]:
        """The headings that all of [start, end) stands under, outermost first.

        A heading with nothing before its first subsection goes by that subsection.
        """
        touched = list(self.within(start, end))
        led = [section for section in touched if not self._only_leads(section, end)]
        shared = led[0].headings
        for section in led:
            shared = _common(shared, section.headings)
        return texts(shared)

    def within(self, start: int, end: int) -> Iterator[Section]:
        """The sections whose own text meets [start, end); there is one at least."""
        place = max(0, bisect_right(self._starts, start) - 1)
        while place < len(self._sections):
            section = self._sections[place]
            if section.start >= end and section.start > start:
                return
            yield section
            place += 1

    def _only_leads(self, section: Section, end: int) -> bool:
        """Whether it is a heading alone, its first subsection begun before ``end``."""
        if not section.children or section.children[0].start >= end:
            return False
        return skip_space(self._text, section.body, section.own_end) == section.own_end


def texts(headings: tuple[Heading, ...]) -> tuple[str, ...]:
    """The headings' texts."""
    return tuple(heading.text for heading in headings)


def _common(left: tuple[Heading, ...], right: tuple[Heading, ...]) -> tuple[Heading, ...]:
    shared = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        shared += 1
    return left[:shared]
