"""Reads chunks back and marks in them what matched."""

from collections.abc import Mapping, Sequence

from search_api.answer import Highlight, PassageAnswer
from search_api.retrieval import Indexes
from services.analysis.highlights import word_highlights
from services.analysis.terms import query_terms, terms
from services.documents import Chunk, ChunkRef
from services.errors import BackendUnavailable
from services.queries import Words


async def read_chunks(indexes: Indexes, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
    """Chunks from the text index; what it lacks, or all when it is down, from the other.

    Raises:
        BackendUnavailable: neither index could be read.
    """
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


def passage_answer(chunk: Chunk, words: Words, language: str, score: float) -> PassageAnswer:
    """A chunk with the words that matched.

    Args:
        words: of the query; excluded ones are not marked.
        language: of the document, whose analyzer decides what counts as the same word.
    """
    spans = word_highlights(query_terms(language, words.text), terms(language, chunk.text))
    return PassageAnswer(
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        headings=list(chunk.heading_path),
        highlights=[Highlight(start=start, end=end, kind="word") for start, end in spans],
        score=score,
    )
