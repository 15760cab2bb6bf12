"""Which reranker is asked: the first, unless a smaller one keeps the budget and it does not."""

from collections.abc import Callable, Sequence

from services.ports.models import Reranker


def by_preference(
    rerankers: Sequence[Reranker], affordable: Callable[[Reranker], int], needed: int
) -> list[Reranker]:
    """The order in which rerankers are asked until one gives scores.

    Args:
        rerankers: the better model first.
        affordable: how many passages one of them scores in the time that is left.
        needed: how many have to be scored for the first page to be in order. A reranker
            that scores fewer would miss the budget.
    """
    if not rerankers or affordable(rerankers[0]) >= needed:
        return list(rerankers)
    return sorted(rerankers, key=lambda each: -min(affordable(each), needed))
