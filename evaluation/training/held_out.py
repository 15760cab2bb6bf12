"""What a model makes of held-out groups: alone, and blended with the order before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.measures import measure
from evaluation.training.groups import Group

Score = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""Logits of pairs of query and text."""

PRIOR_SCALES = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
MEASURE = "nDCG@10"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """nDCG@10 on the held-out groups.

    Attributes:
        prior: of the order before; alone: of the model's own; blended: of both together at
            ``prior_scale`` times the prior plus the logit.
        by_source: the blended and the prior's figure of each source.
    """

    prior: float
    alone: float
    blended: float
    prior_scale: float
    by_source: Mapping[str, tuple[float, float]]


def judge(groups: Sequence[Group], score: Score, least_scale: float = 0.0) -> HeldOut:
    """Score every passage of the groups and measure.

    The scale is the best of :data:`PRIOR_SCALES` on these very groups, which are held out
    from training for choices like this one.

    Args:
        least_scale: the smallest that may be chosen. A model that was trained to correct a
            prior of this scale is not trusted beyond it, for held-out queries are of the
            same sources and flatter it.
    """
    logits = _logits(groups, score)
    scales = [scale for scale in PRIOR_SCALES if scale >= least_scale] or [least_scale]
    orders = {scale: _order(groups, logits, scale, 1.0) for scale in scales}
    blends = {scale: _ndcg(groups, order) for scale, order in orders.items()}
    best = max(scales, key=lambda scale: blends[scale])
    before = _order(groups, logits, 1.0, 0.0)
    sources = sorted({group.source for group in groups})
    return HeldOut(
        prior=_ndcg(groups, before),
        alone=_ndcg(groups, _order(groups, logits, 0.0, 1.0)),
        blended=blends[best],
        prior_scale=best,
        by_source={
            source: (
                _ndcg(groups, orders[best], source),
                _ndcg(groups, before, source),
            )
            for source in sources
        },
    )


def _logits(groups: Sequence[Group], score: Score) -> list[list[float]]:
    pairs = [(group.query, passage.text) for group in groups for passage in group.passages]
    scored = iter(score(pairs))
    return [[float(next(scored)) for _ in group.passages] for group in groups]


def _order(
    groups: Sequence[Group], logits: Sequence[Sequence[float]], of_prior: float, of_logit: float
) -> list[list[int]]:
    """Places of each group's passages, best first; ties stay in the order before."""
    orders = []
    for group, scores in zip(groups, logits, strict=True):
        sums = [
            of_prior * passage.prior + of_logit * score
            for passage, score in zip(group.passages, scores, strict=True)
        ]
        ranks = [passage.rank for passage in group.passages]
        orders.append(sorted(range(len(sums)), key=lambda place: (-sums[place], ranks[place])))
    return orders


def _ndcg(groups: Sequence[Group], orders: Sequence[Sequence[int]], source: str = "") -> float:
    chosen = {
        str(number): (group, order)
        for number, (group, order) in enumerate(zip(groups, orders, strict=True))
        if source in ("", group.source)
    }
    judgments = {
        name: {str(place): grade for place, grade in enumerate(group.grades)}
        for name, (group, _) in chosen.items()
    }
    lists = {name: [str(place) for place in order] for name, (_, order) in chosen.items()}
    return measure(judgments, lists).means[MEASURE]
