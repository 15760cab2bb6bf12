"""Batches of chunks with their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.crashes import is_fault, sentence
from indexer.cutting import Batch, Cut
from services.ports.lexical import LexicalEntry
from services.ports.models import Embedder, Passage
from services.ports.vectors import VectorEntry


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch ready to be written; ``refused`` grew by what could not be embedded."""

    batch: Batch
    words: Sequence[LexicalEntry]
    points: Sequence[VectorEntry]


async def embed(batch: Batch, embedder: Embedder | None) -> Embedded:
    """Embed the chunks of all documents in one call, so that the model's batches fill.

    Without an embedder there are words alone. Where the call fails on the input, documents
    are embedded one by one and those that fail again are refused.
    """
    words = [LexicalEntry(cut.document, cut.version, cut.chunks) for cut in batch.cuts]
    if embedder is None:
        return Embedded(batch, words, ())
    try:
        points = await _points(batch.cuts, embedder)
    except BaseException as error:
        if not is_fault(error):
            raise
        points = await _one_by_one(batch, embedder)
        words = [entry for entry in words if entry.document.id not in batch.refused]
    return Embedded(batch, words, points)


async def _one_by_one(batch: Batch, embedder: Embedder) -> list[VectorEntry]:
    points: list[VectorEntry] = []
    for cut in batch.cuts:
        try:
            points += await _points([cut], embedder)
        except BaseException as error:
            if not is_fault(error):
                raise
            batch.refused[cut.document.id] = sentence("The document cannot be embedded", error)
    return points


async def _points(cuts: Sequence[Cut], embedder: Embedder) -> list[VectorEntry]:
    """Entries for the vector index, without chunks for a language that the model cannot read.

    Vectors of such a text mean nothing: they would cost the most, and find what nobody meant.
    """
    card = embedder.encoder.card
    readable = [cut.chunks if card.knows(cut.document.language) else () for cut in cuts]
    passages = [
        Passage(chunk.text, cut.document.title, chunk.heading_path)
        for cut, chunks in zip(cuts, readable, strict=True)
        for chunk in chunks
    ]
    encoded = await embedder.embed_passages(passages)
    points: list[VectorEntry] = []
    start = 0
    for cut, chunks in zip(cuts, readable, strict=True):
        end = start + len(chunks)
        tokens = None if encoded.tokens is None else encoded.tokens[start:end]
        points.append(
            VectorEntry(cut.document, cut.version, chunks, encoded.vectors[start:end], tokens)
        )
        start = end
    return points
