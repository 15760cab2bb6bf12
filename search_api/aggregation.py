"""Chunk scores become document scores.

The rules are the passage aggregations of Dai and Callan (SIGIR 2019: MaxP, FirstP, SumP)
and a mean over the best few. None wins everywhere: the best chunk where one passage
answers, a sum where relevance is spread over a long document.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from search_api.request import Aggregation

Key = TypeVar("Key", bound=Hashable)


def aggregate(scores: Sequence[float], rule: Aggregation, best: int = 3) -> float:
    """One score from those of a document's chunks.

    Args:
        scores: in the order of the chunks in the document; at least one. For ``mean`` and
            ``discounted`` they should be positive and on one scale (probabilities, BM25).
        rule: ``max`` the highest; ``mean`` of the ``best`` highest, or of all where there
            are fewer; ``discounted`` Σ score_i / log2(i + 1) over the ``best`` highest, i
            from 1; ``first`` the score of the chunk that comes first in the document.
    """
    if rule is Aggregation.FIRST:
        return scores[0]
    highest = sorted(scores, reverse=True)[: 1 if rule is Aggregation.MAX else best]
    if rule is Aggregation.DISCOUNTED:
        return math.fsum(score / math.log2(place + 2) for place, score in enumerate(highest))
    return math.fsum(highest) / len(highest)


def order_with_gaps(order: Sequence[Key], scores: Mapping[Key, float]) -> list[Key]:
    """Sort what has a score, best first; what has none keeps its place.

    A candidate that the reranker did not reach, or whose score was not finite, stays where
    fusion put it, and the scored ones share the other places. Equal scores keep their order.
    """
    scored = iter(sorted((key for key in order if key in scores), key=lambda key: -scores[key]))
    return [next(scored) if key in scores else key for key in order]
