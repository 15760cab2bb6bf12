"""From an order of chunks to an order of results: pure, no I/O."""

import math
from collections.abc import Callable, Hashable, Sequence

from search_api.aggregation import aggregate, order_with_gaps
from search_api.fusion import Fused
from search_api.ranking import Candidate, Item
from search_api.request import Aggregation

CROSS_ENCODER = "cross-encoder"
FUSED = "fused"

_LEAST_SHARE = 1e-12


def candidates_of(fused: Sequence[Fused]) -> list[Candidate]:
    """Candidates in fused order.

    With one leg alone the engine's own score orders just the same and says more than a
    reciprocal rank, to readers and to sums over chunks; so it is kept.
    """
    legs = {leg for candidate in fused for leg in candidate.places}
    single = next(iter(legs)) if len(legs) == 1 else None
    by = single or FUSED
    return [
        Candidate(ref, version, places[single].score if single else score, by, places, score, rank)
        for rank, (ref, version, score, places) in enumerate(fused, start=1)
    ]


def probability(logit: float) -> float:
    """A cross-encoder's logit on the scale from 0 to 1 that it was trained on (sigmoid)."""
    if logit < 0:
        return math.exp(logit) / (1 + math.exp(logit))
    return 1 / (1 + math.exp(-logit))


def with_cross_encoder_scores(
    order: Sequence[Candidate],
    window: Sequence[Candidate],
    logits: Sequence[float | None],
    truncated: Sequence[bool],
    prior_weight: float,
    prior_scale: float | None = None,
) -> list[Candidate]:
    """Give the window its scores; the order itself is left alone.

    A score is (1 - w) · sigmoid(logit) + w · prior / highest prior of the window, the prior
    being the score of the stage before. A model that was trained to correct that stage has
    a scale s, and instead of its logit counts s · the prior's logit + its own.
    """
    added = _prior_logits(window, prior_scale) if prior_scale else [0.0] * len(window)
    highest = max((candidate.score for candidate in window), default=0.0)
    scale = highest if highest > 0 else 1.0
    scored = {}
    for rank, (candidate, logit, cut, prior) in enumerate(
        zip(window, logits, truncated, added, strict=True), start=1
    ):
        placed = candidate._replace(window_rank=rank)
        if logit is not None and math.isfinite(logit):
            blended = (1 - prior_weight) * probability(prior + logit)
            blended += prior_weight * candidate.score / scale
            placed = placed._replace(cross_encoder=logit, truncated=cut)
            placed = placed.scored(CROSS_ENCODER, blended)
        scored[candidate.ref] = placed
    return [scored.get(candidate.ref, candidate) for candidate in order]


def _prior_logits(window: Sequence[Candidate], scale: float) -> list[float]:
    """``scale`` times the logit of late interaction's blend, where every chunk has one.

    Else the z-score of what ordered the window: the blend is a sum of such z-scores.
    """
    if all(candidate.late is not None for candidate in window):
        return [scale * _log_odds(candidate.late or 0.0) for candidate in window]
    scores = [candidate.score for candidate in window]
    mean = math.fsum(scores) / max(1, len(scores))
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / max(1, len(scores)))
    return [scale * (score - mean) / deviation if deviation else 0.0 for score in scores]


def _log_odds(share: float) -> float:
    bounded = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return math.log(bounded / (1 - bounded))


def results(
    order: Sequence[Candidate],
    rule: Aggregation,
    best: int,
    *,
    by_passage: bool = False,
    keep: int = 3,
) -> list[Item]:
    """Order results: the window first, by its scores, then the rest by theirs.

    Within the window a result that no cross-encoder scored keeps its place.

    Args:
        order: chunks, best first by the stage before the cross-encoder.
        best: how many chunks ``mean`` and ``discounted`` look at.
        by_passage: make a result of each chunk instead of each document.
        keep: chunks to keep of a result, the winning one first.
    """
    key: Callable[[Candidate], Hashable]
    key = (lambda chunk: chunk.ref) if by_passage else (lambda chunk: chunk.ref.document_id)
    groups: dict[Hashable, list[Candidate]] = {}
    for candidate in order:
        groups.setdefault(key(candidate), []).append(candidate)
    items = {name: _item(chunks, rule, best, keep) for name, chunks in groups.items()}
    within = {key(candidate) for candidate in order if candidate.window_rank is not None}
    inside = [name for name in groups if name in within]
    reranked = {
        name: items[name].score for name in inside if items[name].scored_by == CROSS_ENCODER
    }
    window = order_with_gaps(inside, reranked)
    outside = [name for name in groups if name not in within]
    outside.sort(key=lambda name: -items[name].score)
    return [items[name] for name in (*window, *outside)]


def _item(chunks: Sequence[Candidate], rule: Aggregation, best: int, keep: int) -> Item:
    if len(chunks) == 1:
        return _item_of(chunks[0], chunks[0].score, chunks)
    judged = [chunk for chunk in chunks if chunk.scored_by == CROSS_ENCODER]
    rest = [chunk for chunk in chunks if chunk.scored_by != CROSS_ENCODER]
    if not judged:
        judged, rest = rest, []
    judged.sort(key=lambda chunk: chunk.ref.ordinal)
    score = aggregate([chunk.score for chunk in judged], rule, best)
    ranked = sorted(judged, key=lambda chunk: -chunk.score)
    if rule is Aggregation.FIRST:
        ranked = judged
    return _item_of(ranked[0], score, [*ranked, *rest][:keep])


def _item_of(winner: Candidate, score: float, chunks: Sequence[Candidate]) -> Item:
    return Item(winner.ref.document_id, winner.version, score, winner.scored_by, tuple(chunks))
