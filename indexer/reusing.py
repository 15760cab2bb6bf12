"""Vectors that need not be made again: most passages of a changed document are as they were.

A vector depends on nothing but the passage (title, headings and text) and the generation's
encoder. Points carry their passage's digest beside their vectors, and both are read together:
so whatever is found under a digest is right, of whichever version of the document it is, and in
whichever generation of that encoder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.cutting import Cut
from services.assembly import Services
from services.documents import ChunkRef
from services.generations import EncoderFingerprint, Generation, GenerationState
from services.ports.vectors import StoredVectors, VectorIndex

MOVED = 8
"""Chunks are looked for so many places beyond a document's end: it may have become shorter."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where vectors may be found.

    Attributes:
        changed_only: documents in their first version are not there yet.
    """

    index: VectorIndex
    encoder: EncoderFingerprint
    changed_only: bool


async def find_source(
    services: Services, generation: Generation, own: VectorIndex | None
) -> Source | None:
    """Where vectors for a generation may be found: in its own index, a build's in the live one's.

    A build that differs in nothing from the live generation replaces one that may be damaged,
    and takes nothing over.

    Args:
        own: the generation's index, None where it has no vectors.
    """
    encoder = generation.fingerprint.encoder
    if own is None or encoder is None:
        return None
    if generation.state is not GenerationState.BUILDING:
        return Source(own, encoder, changed_only=True)
    live = (await services.ledger.collections.head(generation.collection)).live
    if live.fingerprint.encoder != encoder or live.fingerprint == generation.fingerprint:
        return None
    return Source(await services.vectors.open(live), encoder, changed_only=False)


async def reusable(source: Source, cuts: Sequence[Cut]) -> Mapping[ChunkRef, StoredVectors]:
    """The vectors of these cuts' chunks, by chunk, for as many as are found.

    Raises:
        BackendUnavailable: the index does not answer.
    """
    looked_for = [cut for cut in cuts if cut.version > 1 or not source.changed_only]
    wanted = {
        chunk.ref: chunk.passage_digest(cut.document.title)
        for cut in looked_for
        for chunk in cut.chunks
    }
    if not wanted:
        return {}
    places = [
        ChunkRef(cut.document.id, ordinal)
        for cut in looked_for
        for ordinal in range(len(cut.chunks) + MOVED)
    ]
    needed = set(wanted.values())
    there = await source.index.passages(places)
    refs = {digest: ref for ref, digest in there.items() if digest in needed}
    held = await source.index.stored(list(refs.values()))
    vectors = {each.passage: each for each in held.values() if _is_whole(each, source.encoder)}
    return {ref: vectors[digest] for ref, digest in wanted.items() if digest in vectors}


def _is_whole(held: StoredVectors, encoder: EncoderFingerprint) -> bool:
    """Whether it is as the encoder makes it: a damaged one is made anew."""
    finite = bool(np.isfinite(held.vector).all())
    return finite and held.vector.shape == (encoder.dimensions,) and bool(held.vector.any())
