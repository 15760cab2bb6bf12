"""The cross-encoder stage: a window within the budget, and what came back in time."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search_api.answer import ModelUsed, Window
from search_api.ordering import with_cross_encoder_scores
from search_api.passages import read_chunks
from search_api.plan import Plan
from search_api.ranking import Candidate
from search_api.rerankers import by_preference
from search_api.retrieval import Indexes
from search_api.trace import Trace
from search_api.window import WindowPlan, plan_window
from services.assembly import Services
from services.deadlines import Deadline
from services.documents import Chunk, ChunkRef
from services.errors import BackendUnavailable, DeadlineExceeded, Overloaded
from services.ports.ledger import Summary
from services.ports.models import ModelCard, Passage, Reranker, RerankRequest, RerankResult

WINDOW = "window"
RERANK = "rerank"

# Kept back from a search's deadline for aggregation, the ledger and passages.
_RESERVE_S = 0.05

# Kept back from the budget for the way of the scores to whoever waits for them.
_WAY_S = 0.003


@dataclass(frozen=True, slots=True)
class Reranked:
    """The order with the window's scores in it, and what was done."""

    order: list[Candidate]
    window: Window | None = None
    model: ModelUsed | None = None
    degraded: tuple[str, ...] = ()

    @property
    def happened(self) -> bool:
        """Whether any chunk was scored."""
        return self.window is not None and self.window.scored > 0


@dataclass(frozen=True, slots=True)
class _Stage:
    """One search's window: what may be in it, and until when it is scored."""

    plan: Plan
    order: Sequence[Candidate]
    limit: int
    per_document: int
    deadline: Deadline

    def window(self, affordable: int) -> WindowPlan:
        """The candidates that so many passages' worth of reading is spent on."""
        return plan_window(
            [candidate.ref for candidate in self.order],
            limit=self.limit,
            affordable=affordable,
            per_document=self.per_document,
        )

    def affordable(self, reranker: Reranker) -> int:
        """How many passages a reranker scores in the time that is left."""
        left_s = self.deadline.remaining_s()
        return reranker.affordable(left_s) if left_s > 0 else 0

    def told(self, window: WindowPlan, result: RerankResult | None = None) -> Window:
        """The window as the answer shows it."""
        scores = () if result is None else result.scores
        scored = sum(score is not None for score in scores)
        return Window(
            size=len(window.refs),
            scored=scored,
            bounded_by="deadline" if scored < len(scores) else window.bounded_by,
            budget_ms=round(self.plan.budget_s * 1_000),
            compute_ms=0.0 if result is None else round(result.compute_ms, 3),
            queue_ms=0.0 if result is None else round(result.queue_ms, 3),
        )


async def rerank(
    services: Services,
    indexes: Indexes,
    plan: Plan,
    order: list[Candidate],
    summaries: Mapping[str, Summary],
    trace: Trace,
) -> Reranked:
    """Score the best chunks of an order, within the budget and the deadline.

    The passages are read before the window is settled, so that nothing comes between what
    the reranker promises and the request that takes it at its word.
    """
    rerankers = services.rerankers
    if not plan.cross_encoder or not rerankers or not order:
        return Reranked(order)
    deadline = await _deadline(plan)
    stage = _Stage(
        plan,
        order,
        services.settings.rerank_window,
        services.settings.max_chunks_per_document,
        deadline,
    )
    widest = stage.window(max(stage.affordable(reranker) for reranker in rerankers))
    if not widest.refs:
        return Reranked(order, stage.told(widest), degraded=("rerank_budget",))
    try:
        with trace.stage(WINDOW) as entry:
            work = read_chunks(indexes, widest.refs)
            chunks = await stage.deadline.bound(work, "The chunk store")
            entry.candidates = len(chunks)
    except DeadlineExceeded:
        return Reranked(order, stage.told(widest), degraded=("rerank_deadline",))
    except BackendUnavailable:
        return Reranked(order, stage.told(widest), degraded=("reranker_unavailable",))
    passages = _passages(order, chunks, summaries)
    with trace.stage(RERANK) as entry:
        reranked = await _rerank(stage, services, order, passages)
        entry.candidates = reranked.window.scored if reranked.window else 0
    return reranked


async def _deadline(plan: Plan) -> Deadline:
    """When the scores must be there: by the budget, and in time for the rest of the search.

    What is done at a deadline is seen when the event loop comes round to it: a turn of the
    loop is kept back for that, as long as one takes right now, which a busy process feels.
    """
    began_s = time.monotonic()
    await asyncio.sleep(0)
    turn_s = min(time.monotonic() - began_s, plan.budget_s / 2)
    left_s = plan.deadline.remaining_s() - _RESERVE_S
    return Deadline(began_s + min(plan.budget_s, left_s) - max(_WAY_S, turn_s))


async def _rerank(
    stage: _Stage,
    services: Services,
    order: list[Candidate],
    passages: Mapping[ChunkRef, Passage],
) -> Reranked:
    """The scores of the first reranker that gives some; the reason where none does."""
    needed = min(stage.plan.request.size, stage.limit, len(passages))
    reasons = []
    for reranker in by_preference(services.rerankers, stage.affordable, needed):
        window = stage.window(stage.affordable(reranker))
        if not window.refs:
            reasons.append("rerank_budget")
            continue
        chosen = [each for each in order if each.ref in passages and each.ref in window.members]
        request = RerankRequest(
            stage.plan.words.text, [passages[each.ref] for each in chosen], stage.deadline.at_s
        )
        try:
            result = await reranker.rerank(request)
        except Overloaded:
            reasons.append("reranker_overloaded")
        except BackendUnavailable:
            reasons.append("reranker_unavailable")
        else:
            weight = services.settings.prior_weight
            return Reranked(
                with_cross_encoder_scores(
                    order,
                    chosen,
                    result.scores,
                    result.truncated,
                    weight,
                    result.model.prior_scale,
                ),
                stage.told(window, result),
                model_used(result.model, result.worker),
                _shortfalls(result, fallback=reranker is not services.reranker),
            )
    return Reranked(order, stage.told(stage.window(0)), degraded=tuple(reasons[:1]))


def _shortfalls(result: RerankResult, *, fallback: bool) -> tuple[str, ...]:
    """What the scores lack of what was asked for."""
    reasons = {"reranker_fallback": fallback, "rerank_deadline": None in result.scores}
    return tuple(reason for reason, holds in reasons.items() if holds)


def _passages(
    order: Sequence[Candidate],
    chunks: Mapping[ChunkRef, Chunk],
    summaries: Mapping[str, Summary],
) -> dict[ChunkRef, Passage]:
    """What the model reads of the chunks that are still as they were found."""
    found = ((each.version, chunks.get(each.ref)) for each in order)
    return {
        chunk.ref: Passage(chunk.text, summaries[chunk.document_id].title, chunk.heading_path)
        for version, chunk in found
        if chunk is not None and chunk.version == version
    }


def model_used(card: ModelCard, worker: str = "") -> ModelUsed:
    """A model as the answer names it."""
    return ModelUsed(
        name=card.name,
        revision=card.revision,
        device=card.device,
        precision=card.precision,
        worker=worker,
    )
