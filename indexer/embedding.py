"""Batches of chunks with their vectors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from indexer.crashes import is_fault, sentence
from indexer.cutting import Batch, Cut
from services.documents import Chunk, ChunkRef
from services.generations import EncoderFingerprint
from services.ports.lexical import LexicalEntry
from services.ports.models import Embedder, Encoded, Passage
from services.ports.vectors import StoredVectors, TokenVectors, VectorEntry

NOTHING: Mapping[ChunkRef, StoredVectors] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch ready to be written; ``refused`` grew by what could not be embedded."""

    batch: Batch
    words: Sequence[LexicalEntry]
    points: Sequence[VectorEntry]


async def embed(
    batch: Batch,
    embedder: Embedder | None,
    reused: Mapping[ChunkRef, StoredVectors] = NOTHING,
) -> Embedded:
    """Embed the chunks of all documents in one call, so that the model's batches fill.

    Without an embedder there are words alone. Where the call fails on the input, documents
    are embedded one by one and those that fail again are refused.

    Args:
        reused: vectors of chunks that need not be embedded.
    """
    words = [LexicalEntry(cut.document, cut.version, cut.chunks) for cut in batch.cuts]
    if embedder is None:
        return Embedded(batch, words, ())
    try:
        points = await _points(batch.cuts, embedder, reused)
    except BaseException as error:
        if not is_fault(error):
            raise
        points = await _one_by_one(batch, embedder, reused)
        words = [entry for entry in words if entry.document.id not in batch.refused]
    return Embedded(batch, words, points)


async def _one_by_one(
    batch: Batch, embedder: Embedder, reused: Mapping[ChunkRef, StoredVectors]
) -> list[VectorEntry]:
    points: list[VectorEntry] = []
    for cut in batch.cuts:
        try:
            points += await _points([cut], embedder, reused)
        except BaseException as error:
            if not is_fault(error):
                raise
            batch.refused[cut.document.id] = sentence("The document cannot be embedded", error)
    return points


async def _points(
    cuts: Sequence[Cut], embedder: Embedder, reused: Mapping[ChunkRef, StoredVectors]
) -> list[VectorEntry]:
    """Entries for the vector index, without chunks for a language that the model cannot read.

    Vectors of such a text mean nothing: they would cost the most, and find what nobody meant.
    """
    card = embedder.encoder.card
    readable = [cut.chunks if card.knows(cut.document.language) else () for cut in cuts]
    passages = [
        Passage(chunk.text, cut.document.title, chunk.heading_path)
        for cut, chunks in zip(cuts, readable, strict=True)
        for chunk in chunks
        if chunk.ref not in reused
    ]
    made = iter(_rows(await embedder.embed_passages(passages)) if passages else ())
    fingerprint = embedder.encoder.fingerprint
    return [
        _entry(cut, chunks, [reused.get(chunk.ref) or next(made) for chunk in chunks], fingerprint)
        for cut, chunks in zip(cuts, readable, strict=True)
    ]


def _rows(encoded: Encoded) -> Iterator[StoredVectors]:
    none: Sequence[TokenVectors | None] = [None] * len(encoded.vectors)
    tokens = none if encoded.tokens is None else encoded.tokens
    for vector, own in zip(encoded.vectors, tokens, strict=True):
        yield StoredVectors("", vector, own)


def _entry(
    cut: Cut,
    chunks: Sequence[Chunk],
    rows: Sequence[StoredVectors],
    encoder: EncoderFingerprint,
) -> VectorEntry:
    vectors = np.empty((len(rows), encoder.dimensions), np.float32)
    for place, row in enumerate(rows):
        vectors[place] = row.vector
    if not encoder.token_dimensions:
        return VectorEntry(cut.document, cut.version, chunks, vectors)
    none = np.empty((0, encoder.token_dimensions), np.float16)
    tokens = [none if row.tokens is None else row.tokens for row in rows]
    return VectorEntry(cut.document, cut.version, chunks, vectors, tokens)
