"""Runs a plan's stages and freezes what they found."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from search_api.answer import FacetCount, ModelUsed, SearchAnswer, Total, Window
from search_api.browse import browse
from search_api.counting import counting, survey
from search_api.facets import count_values
from search_api.fusion import reciprocal_rank_fusion
from search_api.late import LATE_INTERACTION, Interaction, interact
from search_api.ledger_view import LedgerView
from search_api.ordering import candidates_of, results
from search_api.plan import Plan
from search_api.ranking import Candidate, Item, Ranking
from search_api.reranking import Reranked, model_used, rerank
from search_api.retrieval import LEXICAL, VECTOR, Indexes, Retrieved, retrieve
from search_api.standing import read_summaries, stands
from search_api.trace import Trace
from services.assembly import Services
from services.candidates import FacetValue, Survey
from services.documents import encode_value
from services.ports.ledger import Summary
from services.ports.models import Encoded


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the stages leave behind for the answer."""

    items: Sequence[Item]
    summaries: Mapping[str, Summary]
    survey: Survey | None = None
    degraded: Sequence[str] = ()
    window: Window | None = None
    models: Mapping[str, ModelUsed] = field(default_factory=dict)
    reranked: bool = False
    encoded: Encoded | None = None


async def rank(
    services: Services, indexes: Indexes, view: LedgerView, plan: Plan, trace: Trace
) -> tuple[Ranking, Encoded | None]:
    """Search, order and freeze; the query's vectors come along for the page that follows.

    Raises:
        BackendUnavailable: neither leg answered, or the ledger did not.
    """
    stages = _browse if plan.browsing else _search
    outcome = await stages(services, indexes, view, plan, trace)
    total, facets = _counts(outcome, plan.request.facets)
    head = SearchAnswer(
        search_id=uuid.uuid4().hex,
        collection=plan.collection.name,
        generation=plan.generation.id,
        query=plan.request.query,
        mode=plan.request.mode,
        took_ms=0.0,
        total=total,
        reranked=outcome.reranked,
        degraded=[*plan.degraded, *outcome.degraded, *view.degraded],
        notes=plan.notes,
        cached=False,
        window=outcome.window,
        models=dict(outcome.models),
        stages=trace.stages,
        results=[],
        facets=facets,
        next=None,
    )
    items = tuple(outcome.items[: services.settings.max_results])
    ranking = Ranking(plan.scope.rights.key(), plan.words, plan.aggregation, items, head)
    return ranking, outcome.encoded


async def _browse(
    services: Services, indexes: Indexes, view: LedgerView, plan: Plan, trace: Trace
) -> _Outcome:
    items = await browse(services, indexes, plan, trace)
    counts = await survey(indexes, plan, trace, plan.deadline)
    ids = [item.document_id for item in items]
    summaries = await read_summaries(view, ids, trace)
    standing = [item for item in items if stands(item.document_id, item.version, summaries)]
    return _Outcome(standing, summaries, counts)


async def _search(
    services: Services, indexes: Indexes, view: LedgerView, plan: Plan, trace: Trace
) -> _Outcome:
    found = await retrieve(indexes, plan, trace)
    async with counting(indexes, plan, found, trace) as counts:
        outcome = await _order(services, indexes, view, plan, found, trace)
        counted = await counts
    return replace(outcome, survey=counted.survey, degraded=[*outcome.degraded, *counted.degraded])


async def _order(
    services: Services,
    indexes: Indexes,
    view: LedgerView,
    plan: Plan,
    found: Retrieved,
    trace: Trace,
) -> _Outcome:
    settings = services.settings
    with trace.stage("fusion") as stage:
        weights = {LEXICAL: settings.lexical_weight, VECTOR: settings.vector_weight}
        order = candidates_of(reciprocal_rank_fusion(found.runs, weights, settings.rrf_k))
        stage.candidates = len(order)
    # The ledger is asked before the reranker reads, so that no model pass goes to a document
    # that cannot be shown, and once more for every page.
    ids = [candidate.ref.document_id for candidate in order]
    summaries = await read_summaries(view, ids, trace)
    order = [each for each in order if stands(each.ref.document_id, each.version, summaries)]
    late = await interact(indexes, plan, order, found, settings.late_window, trace)
    reranked = await rerank(services, indexes, plan, late.order, summaries, trace)
    with trace.stage("aggregation") as stage:
        items = _aggregate(services, plan, reranked.order)
        stage.candidates = len(items)
    return _Outcome(
        items=items,
        summaries=summaries,
        degraded=[*found.failed, *filter(None, (late.degraded,)), *reranked.degraded],
        window=reranked.window,
        models=_models(plan, found, late, reranked),
        reranked=late.happened or reranked.happened,
        encoded=found.encoded,
    )


def _aggregate(services: Services, plan: Plan, order: Sequence[Candidate]) -> list[Item]:
    return results(
        order,
        plan.aggregation,
        services.settings.aggregation_best,
        by_passage=plan.by_passage,
        keep=services.settings.max_chunks_per_document,
    )


def _models(
    plan: Plan, found: Retrieved, late: Interaction, reranked: Reranked
) -> dict[str, ModelUsed]:
    models = {}
    if found.encoded is not None and plan.embedder is not None:
        models["bi_encoder"] = model_used(plan.embedder.encoder.card)
        if late.happened:
            models[LATE_INTERACTION] = models["bi_encoder"]
    if reranked.model is not None:
        models["cross_encoder"] = reranked.model
    return models


def _counts(outcome: _Outcome, keys: Sequence[str]) -> tuple[Total, dict[str, list[FacetCount]]]:
    """Exact counts by words, else counts of the candidates, which say that they are partial."""
    if outcome.survey is not None:
        total = Total(value=outcome.survey.total, relation="eq")
        return total, _facet_counts(outcome.survey.facets)
    found = {item.document_id: outcome.summaries[item.document_id] for item in outcome.items}
    facets = count_values((summary.metadata for summary in found.values()), keys)
    return Total(value=len(found), relation="gte"), _facet_counts(facets)


def _facet_counts(
    facets: Mapping[str, Sequence[FacetValue]],
) -> dict[str, list[FacetCount]]:
    return {
        key: [FacetCount(value=encode_value(each.value), count=each.count) for each in values]
        for key, values in facets.items()
    }
