"""Orders texts that the caller brings: the reranker alone, without an index."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_api.ordering import probability
from services.assembly import Services
from services.deadlines import Deadline
from services.errors import ModelUnavailable
from services.ports.models import Embedder, ModelCard, Passage, Reranker, RerankRequest


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """What the model made of the texts.

    Attributes:
        scores: for each text a relevance from 0 to 1, None where time ran out before it.
        truncated: how many texts were longer than the model reads.
        model: who scored.
    """

    scores: Sequence[float | None]
    truncated: int
    model: ModelCard

    def order(self) -> list[int]:
        """Places of the scored texts, best first; ties keep the caller's order."""
        scored = [place for place, score in enumerate(self.scores) if score is not None]
        return sorted(scored, key=lambda place: -(self.scores[place] or 0.0))


async def rank_texts(
    services: Services, query: str, texts: Sequence[str], deadline_s: float
) -> RankedTexts:
    """Score each text against the query.

    The cross-encoder where there is one, its logit squeezed by the logistic function; else
    late interaction: the mean of cosine and MaxSim, cut at 0.

    Args:
        deadline_s: seconds from now; what is not scored by then is left unscored.

    Raises:
        ModelUnavailable: there is neither model.
        BackendUnavailable, Overloaded: the reranker cannot take the request now.
    """
    passages = [Passage(text) for text in texts]
    if services.reranker is not None:
        return await _by_cross_encoder(services.reranker, query, passages, deadline_s)
    if services.embedder is not None:
        return await _by_late_interaction(services.embedder, query, passages, deadline_s)
    raise ModelUnavailable(
        "There is no model to rerank with: " + " ".join(services.missing.values()),
        retry_after_s=60,
    )


async def _by_cross_encoder(
    reranker: Reranker, query: str, passages: Sequence[Passage], deadline_s: float
) -> RankedTexts:
    until_s = time.monotonic() + deadline_s
    result = await reranker.rerank(RerankRequest(query, passages, until_s))
    scores = [None if logit is None else probability(logit) for logit in result.scores]
    return RankedTexts(scores, sum(result.truncated), result.model)


async def _by_late_interaction(
    embedder: Embedder, query: str, passages: Sequence[Passage], deadline_s: float
) -> RankedTexts:
    deadline = Deadline.after(deadline_s)
    asked = await deadline.bound(embedder.embed_query(query), "The bi-encoder")
    read = await deadline.bound(embedder.embed_passages(passages), "The bi-encoder")
    scores = read.vectors @ asked.vectors[0]
    if asked.tokens is not None and read.tokens is not None:
        tokens = asked.tokens[0].astype(np.float32)
        best = [_max_sim(tokens, each.astype(np.float32)) for each in read.tokens]
        scores = (scores + np.asarray(best, np.float32)) / 2
    counter, limit = embedder.encoder.counter, embedder.encoder.card.max_tokens
    truncated = sum(counter.count(passage.text) > limit for passage in passages)
    return RankedTexts(
        [max(0.0, float(score)) for score in scores], truncated, embedder.encoder.card
    )


def _max_sim(query: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    """Of [tokens, dimensions] each: every query token's best passage token, averaged."""
    if not len(query) or not len(passage):
        return 0.0
    return float((query @ passage.T).max(axis=1).mean())
