"""Vectors that need not be made again: most passages of a changed document are as they were.

A vector depends on nothing but the passage (title, headings and text) and the generation's
encoder. Points carry their passage's digest beside their vectors, and both are read together:
so whatever is found under a digest is right, of whichever version of the document it is.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from indexer.cutting import Cut
from services.documents import ChunkRef
from services.generations import EncoderFingerprint
from services.ports.vectors import StoredVectors, VectorIndex

MOVED = 8
"""Chunks are looked for so many places beyond a document's end: it may have become shorter."""


async def reusable(
    index: VectorIndex, cuts: Sequence[Cut], encoder: EncoderFingerprint
) -> Mapping[ChunkRef, StoredVectors]:
    """The vectors of these cuts' chunks, by chunk, for as many as the index holds.

    Raises:
        BackendUnavailable: it does not answer.
    """
    wanted = {
        chunk.ref: chunk.passage_digest(cut.document.title)
        for cut in cuts
        if cut.version > 1
        for chunk in cut.chunks
    }
    if not wanted:
        return {}
    places = dict.fromkeys(
        ChunkRef(cut.document.id, ordinal)
        for cut in cuts
        if cut.version > 1
        for ordinal in range(len(cut.chunks) + MOVED)
    )
    needed = set(wanted.values())
    there = await index.passages(list(places))
    refs = {digest: ref for ref, digest in there.items() if digest in needed}
    held = await index.stored(list(refs.values()))
    vectors = {each.passage: each for each in held.values() if _is_whole(each, encoder)}
    return {ref: vectors[digest] for ref, digest in wanted.items() if digest in vectors}


def _is_whole(held: StoredVectors, encoder: EncoderFingerprint) -> bool:
    """Whether it is as the encoder makes it: a damaged one is made anew."""
    finite = bool(np.isfinite(held.vector).all())
    return finite and held.vector.shape == (encoder.dimensions,) and bool(held.vector.any())
