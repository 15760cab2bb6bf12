"""The cross-encoder stage: a window within the budget, and what came back in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search_api.answer import ModelUsed, Window
from search_api.ordering import with_cross_encoder_scores
from search_api.passages import read_chunks
from search_api.plan import Plan
from search_api.ranking import Candidate
from search_api.retrieval import Indexes
from search_api.trace import Trace
from search_api.window import WindowPlan, plan_window
from services.assembly import Services
from services.documents import Chunk, ChunkRef
from services.errors import BackendUnavailable, Overloaded
from services.ports.ledger import Summary
from services.ports.models import ModelCard, Passage, Reranker, RerankRequest, RerankResult

# Kept back from the deadline for aggregation, the ledger and passages.
_RESERVE_S = 0.05


@dataclass(frozen=True, slots=True)
class Reranked:
    """The order with the window's scores in it, and what was done."""

    order: list[Candidate]
    window: Window | None = None
    model: ModelUsed | None = None
    degraded: str | None = None

    @property
    def happened(self) -> bool:
        """Whether any chunk was scored."""
        return self.window is not None and self.window.scored > 0


async def rerank(
    services: Services,
    indexes: Indexes,
    plan: Plan,
    order: list[Candidate],
    summaries: Mapping[str, Summary],
    trace: Trace,
) -> Reranked:
    """Score the best chunks of an order, within the budget and the deadline."""
    reranker = services.reranker
    if not plan.cross_encoder or reranker is None or not order:
        return Reranked(order)
    settings = services.settings
    deadline = plan.deadline.earlier(plan.budget_s + _RESERVE_S)
    budget_s = min(plan.budget_s, plan.deadline.remaining_s() - _RESERVE_S)
    window = plan_window(
        [candidate.ref for candidate in order],
        limit=settings.rerank_window,
        affordable=reranker.affordable(budget_s) if budget_s > 0 else 0,
        per_document=settings.max_chunks_per_document,
    )
    if not window.refs:
        return Reranked(order, _window(window, 0, plan), degraded="rerank_budget")
    members = {candidate.ref: candidate for candidate in order}
    chosen = [members[ref] for ref in window.refs]
    try:
        with trace.stage("rerank") as stage:
            chunks = await deadline.bound(read_chunks(indexes, window.refs), "The chunk store")
            chosen = [candidate for candidate in chosen if _current(candidate, chunks)]
            passages = [_passage(chunks[each.ref], summaries) for each in chosen]
            result = await _ask(reranker, plan, passages, deadline.at_s - _RESERVE_S)
            stage.candidates = sum(score is not None for score in result.scores)
    except Overloaded:
        return Reranked(order, _window(window, 0, plan), degraded="reranker_overloaded")
    except BackendUnavailable:
        return Reranked(order, _window(window, 0, plan), degraded="reranker_unavailable")
    scored = with_cross_encoder_scores(
        order, chosen, result.scores, result.truncated, settings.prior_weight
    )
    complete = stage.candidates == len(chosen)
    return Reranked(
        order=scored,
        window=_window(window, stage.candidates, plan, cut=not complete),
        model=model_used(result.model, result.worker),
        degraded=None if complete else "rerank_deadline",
    )


async def _ask(
    reranker: Reranker, plan: Plan, passages: Sequence[Passage], deadline_s: float
) -> RerankResult:
    return await reranker.rerank(RerankRequest(plan.words.text, passages, deadline_s))


def _current(candidate: Candidate, chunks: Mapping[ChunkRef, Chunk]) -> bool:
    """Whether the chunk as it stands now is the one that was found."""
    chunk = chunks.get(candidate.ref)
    return chunk is not None and chunk.version == candidate.version


def _passage(chunk: Chunk, summaries: Mapping[str, Summary]) -> Passage:
    return Passage(chunk.text, summaries[chunk.document_id].title, chunk.heading_path)


def _window(window: WindowPlan, scored: int, plan: Plan, *, cut: bool = False) -> Window:
    return Window(
        size=len(window.refs),
        scored=scored,
        bounded_by="deadline" if cut else window.bounded_by,
        budget_ms=round(plan.budget_s * 1_000),
    )


def model_used(card: ModelCard, worker: str = "") -> ModelUsed:
    """A model as the answer names it."""
    return ModelUsed(
        name=card.name,
        revision=card.revision,
        device=card.device,
        precision=card.precision,
        worker=worker,
    )
