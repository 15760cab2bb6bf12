"""Reads chunks back and marks in them what matched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search_api.answer import Highlight, PassageAnswer
from search_api.retrieval import Indexes
from services.analysis.highlights import Span, word_highlights
from services.analysis.terms import Term, query_terms, terms
from services.documents import Chunk, ChunkRef
from services.errors import BackendUnavailable
from services.queries import Words


async def read_chunks(indexes: Indexes, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
    """Chunks, each read once a request: what reranking has read, a page need not.

    Raises:
        BackendUnavailable: neither index could be read.
    """
    unread = [ref for ref in refs if ref not in indexes.chunks]
    if unread:
        indexes.chunks.update(await _read(indexes, unread))
    return {ref: indexes.chunks[ref] for ref in refs if ref in indexes.chunks}


async def _read(indexes: Indexes, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
    """From the text index; what it lacks, or all when it is down, from the other."""
    try:
        found = dict(await indexes.lexical.read(refs))
    except BackendUnavailable:
        if indexes.vectors is None:
            raise
        return await indexes.vectors.read(refs)
    missing = [ref for ref in refs if ref not in found]
    if missing and indexes.vectors is not None:
        try:
            found.update(await indexes.vectors.read(missing))
        except BackendUnavailable:
            return found
    return found


@dataclass(frozen=True, slots=True)
class Reading:
    """A chunk beside a query, both as analyzed words.

    Attributes:
        language: of the document, whose analyzer decides what counts as the same word.
        asked: the query's terms in that language; excluded words are not among them.
        held: the chunk's terms.
    """

    chunk: Chunk
    title: str
    language: str
    asked: Sequence[Term]
    held: Sequence[Term]


def read_words(chunk: Chunk, words: Words, title: str, language: str) -> Reading:
    """Analyze a chunk and a query's words for marking."""
    asked = query_terms(language, words.text)
    return Reading(chunk, title, language, asked, terms(language, chunk.text))


def passage_answer(reading: Reading, meanings: Sequence[Span], score: float) -> PassageAnswer:
    """A chunk with the words that matched and the spans that answer by meaning."""
    chunk = reading.chunk
    matched = word_highlights(reading.asked, reading.held)
    marks = [Highlight(start=start, end=end, kind="word") for start, end in matched]
    marks += [Highlight(start=start, end=end, kind="meaning") for start, end in meanings]
    return PassageAnswer(
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        headings=list(chunk.heading_path),
        highlights=sorted(marks, key=lambda mark: (mark.start, mark.end)),
        score=score,
    )
