"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

Our own, because engines disagree about it: ranks from 0 or 1, absent documents given a
rank, chunks counted twice.
"""

from collections.abc import Mapping
from typing import NamedTuple

from services.candidates import Run
from services.documents import ChunkRef


class Place(NamedTuple):
    """Where a leg found a chunk: rank from 1, and the engine's own score."""

    rank: int
    score: float


class Fused(NamedTuple):
    """A candidate after fusion: its score and its place in each leg that found it."""

    ref: ChunkRef
    version: int
    score: float
    places: dict[str, Place]


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
        the order of their names (so words go before meaning): equal inputs give equal outputs.
    """
    weights = weights or {}
    scores: dict[ChunkRef, float] = {}
    versions: dict[ChunkRef, int] = {}
    places: dict[ChunkRef, dict[str, Place]] = {}
    for leg in sorted(runs):
        weight = weights.get(leg, 1.0)
        rank = 0
        for ref, version, score in runs[leg]:
            found = places.setdefault(ref, {})
            if leg in found:
                continue
            rank += 1
            found[leg] = Place(rank, score)
            scores[ref] = scores.get(ref, 0.0) + weight / (k + rank)
            # Legs may lag apart; the older version is what both are known to hold.
            versions[ref] = min(version, versions.get(ref, version))
    # They came in by their rank in one leg after the other, and sorting leaves ties as they are.
    order = sorted(scores, key=scores.__getitem__, reverse=True)
    return [Fused(ref, versions[ref], scores[ref], places[ref]) for ref in order]
