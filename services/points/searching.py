"""What both engines of points do alike when they are searched: checks, ties, averages."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from services.candidates import Hit, Run
from services.documents import ChunkRef
from services.generations import EncoderFingerprint
from services.points.validation import check_query
from services.ports.vectors import TokenVectors, Vectors
from services.queries import Scope

TEXT = "text"
"""The named vector of a chunk."""

TOKENS = "tokens"
"""The named vectors of its tokens."""

# How far past the depth equal scores are followed, so that ties are cut by their rule.
TIES_PER_CALL = 64
_MAX_TIES = 8_192


class ScoredPoint(Protocol):
    """What an engine finds."""

    @property
    def payload(self) -> Any:
        """The fields that were asked for."""

    @property
    def score(self) -> float:
        """How near it is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an engine is asked for: its scores of these chunks by one of their named vectors.

    Attributes:
        query: a vector, or the several that ``vectors`` counts.
    """

    query: list[float] | list[list[float]]
    using: str
    refs: Sequence[ChunkRef]
    vectors: int = 1


class PointSearch(ABC):
    """The searching half of :class:`services.ports.vectors.VectorIndex`."""

    def __init__(self, encoder: EncoderFingerprint) -> None:
        """``encoder`` says what vectors are made of."""
        self._encoder = encoder

    @abstractmethod
    async def _nearest(self, vector: list[float], scope: Scope, depth: int) -> Run:
        """The nearest chunks to a vector that is not zero."""

    @abstractmethod
    async def _scores(self, comparisons: Sequence[Comparison]) -> Sequence[dict[ChunkRef, float]]:
        """The engine's scores for each comparison, of as many of its chunks as are there."""

    async def search(self, vector: Vectors, scope: Scope, depth: int) -> Run:
        """The ``depth`` nearest chunks by cosine, ties by document id, then ordinal.

        A zero vector has no direction and finds nothing.

        Raises:
            InvalidInput: the vector is not finite or of another size than the index.
        """
        flat = self._checked(vector)
        return [] if depth < 1 or not flat else await self._nearest(flat, scope, depth)

    async def cosine(self, vector: Vectors, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, float]:
        """Cosine with these chunks, for as many as are there."""
        (scores,) = await self._scores([self._by_vector(vector, refs)])
        return scores

    async def max_sim(
        self, query_tokens: TokenVectors, refs: Sequence[ChunkRef]
    ) -> Mapping[ChunkRef, float]:
        """MaxSim averaged over the query's tokens, for the chunks that hold tokens."""
        by_tokens = self._by_tokens(query_tokens, refs)
        (sums,) = await self._scores([by_tokens])
        return _averages(sums, by_tokens.vectors)

    async def closeness(
        self,
        vector: Vectors,
        near: Sequence[ChunkRef],
        query_tokens: TokenVectors,
        refs: Sequence[ChunkRef],
    ) -> tuple[Mapping[ChunkRef, float], Mapping[ChunkRef, float]]:
        """Cosine with ``near`` and MaxSim with ``refs``, asked at once."""
        by_tokens = self._by_tokens(query_tokens, refs)
        cosines, sums = await self._scores([self._by_vector(vector, near), by_tokens])
        return cosines, _averages(sums, by_tokens.vectors)

    def _by_vector(self, vector: Vectors, refs: Sequence[ChunkRef]) -> Comparison:
        """Compares nothing where the vector is zero."""
        flat = self._checked(vector)
        return Comparison(flat, TEXT, refs if flat else ())

    def _by_tokens(self, query_tokens: TokenVectors, refs: Sequence[ChunkRef]) -> Comparison:
        """Compares nothing where there are no tokens."""
        tokens = np.asarray(query_tokens, dtype=np.float32)
        if not self._encoder.token_dimensions or not tokens.size:
            return Comparison([], TOKENS, ())
        check_query(tokens, self._encoder.token_dimensions)
        return Comparison(tokens.tolist(), TOKENS, refs, len(tokens))

    def _checked(self, vector: Vectors) -> list[float]:
        """A query's vector, empty where it is zero."""
        flat = np.asarray(vector, dtype=np.float32).reshape(-1)
        check_query(flat, self._encoder.dimensions)
        return flat.tolist() if flat.any() else []


def _averages(sums: Mapping[ChunkRef, float], count: int) -> dict[ChunkRef, float]:
    return {ref: total / count for ref, total in sums.items()}


def cut_cleanly(points: Sequence[ScoredPoint], depth: int, ties: int) -> bool:
    """Whether ``depth`` of the first ``depth + ties`` points can be told from the rest."""
    exhausted = len(points) < depth + ties
    return exhausted or points[-1].score < points[depth - 1].score or ties >= _MAX_TIES


def run_of(points: Sequence[ScoredPoint], depth: int) -> Run:
    """The best points as hits, ties by document id, then ordinal."""
    hits = [
        Hit(
            ChunkRef(point.payload["document"], point.payload["ordinal"]),
            point.payload["version"],
            point.score,
        )
        for point in points
        if point.payload
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.ref))[:depth]
