"""The vector index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.candidates import Run
from services.documents import Chunk, ChunkRef, Document
from services.ports.indexes import Index, IndexStore
from services.ports.lexical import Tombstone
from services.queries import Scope

Vectors = NDArray[np.float32]
TokenVectors = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class VectorEntry:
    """One version of a document with its chunks and their vectors.

    Attributes:
        vectors: float32 [chunks, dimensions], finite.
        tokens: for each chunk float16 [tokens, token_dimensions], or None without them.
    """

    document: Document
    version: int
    chunks: Sequence[Chunk]
    vectors: Vectors
    tokens: Sequence[TokenVectors] | None = None


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """What an index holds of a chunk, as it was written.

    Attributes:
        passage: what was read of it, by :meth:`Chunk.passage_digest`; "" where that is not known.
        vector: float32 [dimensions].
        tokens: float16 [tokens, token_dimensions], or None without them.
    """

    passage: str
    vector: Vectors
    tokens: TokenVectors | None = None


class VectorIndex(Index, Protocol):
    """One generation's vector index."""

    async def write(
        self, entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """As :meth:`LexicalIndex.write`; vectors that are not finite are refused."""

    async def search(self, vector: Vectors, scope: Scope, depth: int) -> Run:
        """The ``depth`` chunks nearest to float32 [dimensions] by cosine, best first."""

    async def cosine(self, vector: Vectors, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, float]:
        """Cosine of float32 [dimensions] with these chunks, for as many as are there."""

    async def max_sim(
        self, query_tokens: TokenVectors, refs: Sequence[ChunkRef]
    ) -> Mapping[ChunkRef, float]:
        """MaxSim of float16 [tokens, token_dimensions] with the chunks that hold tokens.

        For each query token its best passage token's dot product, averaged over query
        tokens (Khattab and Zaharia 2020, arXiv 2004.12832).
        """

    async def closeness(
        self,
        vector: Vectors,
        near: Sequence[ChunkRef],
        query_tokens: TokenVectors,
        refs: Sequence[ChunkRef],
    ) -> tuple[Mapping[ChunkRef, float], Mapping[ChunkRef, float]]:
        """:meth:`cosine` with ``near`` and :meth:`max_sim` with ``refs``, asked at once."""

    async def token_vectors(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, TokenVectors]:
        """The stored tokens of these chunks, of as many as hold some: for the few on a page."""

    async def passages(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, str]:
        """Which passages these chunks' vectors are of, by digest, for as many as are there."""

    async def stored(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, StoredVectors]:
        """These chunks' vectors as they are kept, for as many as are there.

        They may be written again however often: they point where they pointed.
        """


class VectorStore(IndexStore[VectorIndex], Protocol):
    """Where vector indexes live."""
