"""One document's chunks."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from indexer.chunking.packing import Packer
from indexer.chunking.sections import (
    Block,
    SectionPacker,
    SectionPaths,
    section_tree,
    texts,
)
from indexer.chunking.tokens import TokenIndex
from services.documents import Chunk, Document
from services.generations import ChunkerConfiguration
from services.ports.models import TokenCounter

Overhead = Callable[[str, tuple[str, ...]], int]
"""The tokens that a title and a heading path take of a model's input beside the text."""

_OVERHEAD_CAP_TOKENS = 32


def chunk_document(
    document: Document,
    counter: TokenCounter,
    configuration: ChunkerConfiguration,
    overhead: Overhead | None = None,
) -> tuple[Chunk, ...]:
    """Cut a document into chunks that a model reads whole.

    Sections stay whole where they fit, tiny ones are joined with a neighbour under the
    same parent, long ones are cut at paragraphs, sentences, lines, clauses, words or, in
    endless words, between characters. Only chunks of one section overlap. A merged chunk's
    heading path is the one that its sections share.

    Args:
        counter: the bi-encoder's own tokens.
        configuration: ``max_tokens`` is the room for title, heading path and text together,
            special tokens left out.
        overhead: measures title and heading path as the encoder's input holds them; by
            default each is taken as at most 32 tokens.

    Returns:
        chunks with consecutive ordinals, each ``text == document.text[start:end]``. A
        document without text has one chunk without text, so that its title is found; one
        without title either has none.
    """
    text = document.text
    if not text.strip():
        return (Chunk(document.id, 0, 0, 0, ""),) if document.title.strip() else ()
    limits = _Limits(document.title, counter, configuration, overhead)
    index = TokenIndex(text, counter)
    tree = section_tree(document)
    paths = SectionPaths(text, tree)
    sections = SectionPacker(text, index, limits.of, configuration.max_characters)
    chunks: list[Chunk] = []
    for block in sections.blocks(tree):
        limit = min(
            limits.of(texts(section.headings)) for section in paths.within(block.start, block.end)
        )
        for start, end in _cuts(block, text, index, counter, configuration, limit):
            path = paths.over(start, end)
            chunks.append(Chunk(document.id, len(chunks), start, end, text[start:end], path))
    return tuple(chunks)


def _cuts(
    block: Block,
    text: str,
    index: TokenIndex,
    counter: TokenCounter,
    configuration: ChunkerConfiguration,
    limit: int,
) -> Iterator[tuple[int, int]]:
    overlap = min(configuration.overlap_tokens, limit // 3)
    packer = Packer(text, index, counter, limit, overlap, configuration.max_characters)
    return packer.pack(block.start, block.end)


class _Limits:
    """The tokens left for text under each heading path of one document."""

    def __init__(
        self,
        title: str,
        counter: TokenCounter,
        configuration: ChunkerConfiguration,
        overhead: Overhead | None,
    ) -> None:
        self._title = title
        self._max_tokens = configuration.max_tokens
        self._overhead = overhead or _capped_overhead(counter)
        self._known: dict[tuple[str, ...], int] = {}

    def of(self, path: tuple[str, ...]) -> int:
        """At least half of the input is the text's: a long title is cut, not the text."""
        known = self._known.get(path)
        if known is None:
            room = self._max_tokens - self._overhead(self._title, path)
            known = self._known[path] = max(room, self._max_tokens // 2, 1)
        return known


def _capped_overhead(counter: TokenCounter) -> Overhead:
    @lru_cache(maxsize=256)
    def tokens(text: str) -> int:
        return min(counter.count(text), _OVERHEAD_CAP_TOKENS) if text else 0

    return lambda title, path: tokens(title) + tokens(" > ".join(path))
