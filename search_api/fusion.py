"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

Our own, because engines disagree about it: ranks from 0 or 1, absent documents given a
rank, chunks counted twice.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.candidates import Run
from services.documents import ChunkRef


@dataclass(frozen=True, slots=True)
class Place:
    """Where a leg found a chunk: rank from 1, and the engine's own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Fused:
    """A candidate after fusion: its score and its place in each leg that found it."""

    ref: ChunkRef
    version: int
    score: float
    places: Mapping[str, Place] = field(default_factory=dict)


def reciprocal_rank_fusion(
    runs: Mapping[str, Run], weights: Mapping[str, float] | None = None, k: int = 60
) -> list[Fused]:
    """Merge runs: score = Σ weight / (k + rank), over the legs that found the chunk.

    Args:
        runs: for each leg its hits, best first; a repeated chunk counts at its first rank.
        weights: for each leg its weight, 1 where it names none.
        k: dampens the top ranks; 60 in the paper.

    Returns:
        every chunk once, by falling score; ties by the rank in one leg after the other, in
        the order of their names (so words go before meaning), then by document id and
        ordinal: equal inputs give equal outputs.
    """
    weights = weights or {}
    scores: dict[ChunkRef, float] = {}
    versions: dict[ChunkRef, int] = {}
    places: dict[ChunkRef, dict[str, Place]] = {}
    for leg, run in runs.items():
        weight = weights.get(leg, 1.0)
        rank = 0
        for hit in run:
            found = places.setdefault(hit.ref, {})
            if leg in found:
                continue
            rank += 1
            found[leg] = Place(rank, hit.score)
            scores[hit.ref] = scores.get(hit.ref, 0.0) + weight / (k + rank)
            # Legs may lag apart; the older version is what both are known to hold.
            versions[hit.ref] = min(hit.version, versions.get(hit.ref, hit.version))
    fused = [Fused(ref, versions[ref], score, places[ref]) for ref, score in scores.items()]
    legs = sorted(runs)
    fused.sort(key=lambda candidate: _order(candidate, legs))
    return fused


def _order(candidate: Fused, legs: Sequence[str]) -> tuple[float, list[float], ChunkRef]:
    ranks = [candidate.places[leg].rank if leg in candidate.places else math.inf for leg in legs]
    return -candidate.score, ranks, candidate.ref
