"""Entries and generations for tests of vector indexes."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.documents import Chunk, ChunkRef, Document, Value
from services.generations import (
    ChunkerConfiguration,
    EncoderFingerprint,
    Generation,
    GenerationFingerprint,
    GenerationState,
)
from services.ports.vectors import TokenVectors, VectorEntry

DIMENSIONS = 8
TOKEN_DIMENSIONS = 4


def generation(
    identifier: str = "g1", *, dimensions: int = DIMENSIONS, token_dimensions: int = 0
) -> Generation:
    """A generation of a hashing model of few dimensions."""
    encoder = EncoderFingerprint(
        model="test",
        revision="1",
        dimensions=dimensions,
        pooling="mean",
        normalised=True,
        token_dimensions=token_dimensions,
    )
    fingerprint = GenerationFingerprint(encoder, ChunkerConfiguration(64, 8), "1")
    return Generation("default", identifier, fingerprint, GenerationState.LIVE)


def entry(
    identifier: str,
    vectors: Sequence[Sequence[float]],
    *,
    version: int = 1,
    metadata: Mapping[str, Value] | None = None,
    principals: tuple[str, ...] = (),
    tokens: Sequence[TokenVectors] | None = None,
) -> VectorEntry:
    """A document with a chunk for each vector."""
    text = "".join(f"passage {ordinal}\n" for ordinal in range(len(vectors)))
    document = Document(identifier, text, metadata=metadata or {}, principals=principals)
    chunks, start = [], 0
    for ordinal in range(len(vectors)):
        end = text.index("\n", start) + 1
        part = text[start:end]
        chunks.append(
            Chunk(identifier, ordinal, start, end, part, ("Top", f"§ {ordinal}"), version)
        )
        start = end
    return VectorEntry(document, version, chunks, np.array(vectors, np.float32), tokens)


def direction(*components: float) -> list[float]:
    """A vector that begins with these components."""
    return [*components, *[0.0] * (DIMENSIONS - len(components))]


def query(*components: float) -> np.ndarray:
    """A query vector that begins with these components."""
    return np.array(direction(*components), dtype=np.float32)


def refs(run: Sequence) -> list[ChunkRef]:
    """The chunks of a run in its order."""
    return [hit.ref for hit in run]
