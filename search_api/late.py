"""Late interaction: orders a few hundred candidates without a model pass.

The query's token vectors meet the chunks' stored ones: for each query token its best
passage token, averaged (MaxSim; Khattab and Zaharia 2020, arXiv 2004.12832), blended with
the two scores that the legs are made of.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_api.aggregation import order_with_gaps
from search_api.plan import Plan
from search_api.ranking import Candidate
from search_api.retrieval import LEXICAL, VECTOR, Indexes, Retrieved
from search_api.trace import Trace
from services.deadlines import Deadline
from services.errors import BackendUnavailable
from services.ports.vectors import TokenVectors, VectorIndex, Vectors

LATE = "late"
LATE_INTERACTION = "late_interaction"

# Weights of the z-scores. Cosine and MaxSim are two readings of one model's tokens and err
# together, so that the second counts half and words have a third of the say.
COSINE_WEIGHT = 1.0
MAX_SIM_WEIGHT = 0.5
BM25_WEIGHT = 0.75


@dataclass(frozen=True, slots=True)
class Interaction:
    """The order after late interaction, and the reason where there was none."""

    order: list[Candidate]
    happened: bool = False
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """The query: float32 [dimensions], and float16 [tokens, token_dimensions]."""

    vector: Vectors
    tokens: TokenVectors


def blend(
    cosine: NDArray[np.float64], max_sim: NDArray[np.float64], bm25: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One score from three, each float64 [candidates] and taken as a z-score of the window.

    Z-scores put a cosine, an average of dot products and an unbounded BM25 on one scale
    without parameters to fit; a score that is the same for all adds nothing.
    """
    return (
        COSINE_WEIGHT * _standardised(cosine)
        + MAX_SIM_WEIGHT * _standardised(max_sim)
        + BM25_WEIGHT * _standardised(bm25)
    )


def _standardised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = scores - scores.mean()
    deviation = math.sqrt(centred @ centred / max(1, len(centred)))
    # Engines answer in float32: what differs by less than it can tell is the same.
    if deviation <= float(np.finfo(np.float32).eps * np.abs(scores).max(initial=0.0)):
        return np.zeros_like(scores)
    standardised: NDArray[np.float64] = centred / deviation
    return standardised


async def interact(
    indexes: Indexes,
    plan: Plan,
    order: list[Candidate],
    found: Retrieved,
    window: int,
    trace: Trace,
) -> Interaction:
    """Order the first ``window`` candidates by the blend; the rest follow as they were."""
    if not plan.late or not order or not window or indexes.vectors is None:
        return Interaction(order)
    encoded = found.encoded
    if encoded is None or encoded.tokens is None or VECTOR not in found.runs:
        # An index that has just failed is not asked again: what is left of the time is others'.
        return Interaction(order, degraded="late_interaction_unavailable")
    try:
        with trace.stage(LATE) as stage:
            asked = _Asked(encoded.vectors[0], encoded.tokens[0])
            head = order[:window]
            ranked, stage.candidates = await _reordered(head, asked, indexes.vectors, plan.deadline)
    except BackendUnavailable:
        return Interaction(order, degraded="late_interaction_unavailable")
    return Interaction([*ranked, *order[window:]], happened=stage.candidates > 0)


async def _reordered(
    head: list[Candidate], asked: _Asked, vectors: VectorIndex, deadline: Deadline
) -> tuple[list[Candidate], int]:
    """The candidates by their blend, and how many have one; the others keep their places."""
    refs = [candidate.ref for candidate in head]
    # What the vector leg found has its cosine already.
    near = {each.ref: place.score for each in head if (place := each.places.get(VECTOR))}
    others = [ref for ref in refs if ref not in near]
    work = vectors.closeness(asked.vector, others, asked.tokens, refs)
    far, max_sim = await deadline.bound(work, "The vector index")
    cosine = {**near, **far}
    ready = [place for place, ref in enumerate(refs) if ref in cosine and ref in max_sim]
    scored = _scored(
        [head[place] for place in ready],
        [cosine[refs[place]] for place in ready],
        [max_sim[refs[place]] for place in ready],
    )
    members = dict(enumerate(head)) | dict(zip(ready, scored, strict=True))
    scores = {place: members[place].score for place in ready}
    ranked = order_with_gaps(range(len(head)), scores)
    return [members[place] for place in ranked], len(ready)


def _scored(
    candidates: Sequence[Candidate], cosine: Sequence[float], max_sim: Sequence[float]
) -> list[Candidate]:
    """Candidates with their blend, squeezed into (0, 1) so that sums over chunks make sense."""
    if not candidates:
        return []
    blended = blend(
        np.asarray(cosine, np.float64), np.asarray(max_sim, np.float64), _bm25(candidates)
    )
    squeezed = 1.0 / (1.0 + np.exp(-blended))
    return [
        candidate.interacted(LATE, score, cosine=near, max_sim=interaction)
        for candidate, score, near, interaction in zip(
            candidates, squeezed.tolist(), cosine, max_sim, strict=True
        )
    ]


def _bm25(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """BM25 of each; zero for a chunk that the words did not find, as if it held none."""
    places = [each.places.get(LEXICAL) for each in candidates]
    return np.asarray([place.score if place else 0.0 for place in places], np.float64)
