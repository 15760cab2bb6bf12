"""Exact counts of what matches, taken while the ranking goes on.

Nothing of the ranking depends on them. So the text index is asked once it has ranked, not
beside its search: the two would share the processor while everything waits for the search.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from search_api.facets import facet_filters
from search_api.plan import Plan
from search_api.retrieval import LEGS_SHARE, LEXICAL, Indexes, Retrieved
from search_api.trace import Trace
from services.candidates import Survey
from services.deadlines import Deadline
from services.errors import BackendUnavailable

_UNAVAILABLE = "totals_unavailable"


@dataclass(frozen=True, slots=True)
class Counts:
    """A survey, or the reason why there is none; neither where no words were searched for."""

    survey: Survey | None = None
    degraded: tuple[str, ...] = ()


async def survey(indexes: Indexes, plan: Plan, trace: Trace, deadline: Deadline) -> Survey:
    """Exact counts of what matches the plan's words, filter and rights."""
    with trace.stage("survey") as stage:
        facets = facet_filters(plan.scope.filter, plan.request.facets)
        work = indexes.lexical.survey(plan.lexical_query(), facets)
        found = await deadline.bound(work, "The text index")
        stage.candidates = found.total
    return found


@asynccontextmanager
async def counting(
    indexes: Indexes, plan: Plan, found: Retrieved, trace: Trace
) -> AsyncIterator[asyncio.Task[Counts]]:
    """Count beside a block, which awaits what is yielded; given up where the block fails."""
    task = asyncio.create_task(_count(indexes, plan, found, trace))
    try:
        yield task
    finally:
        task.cancel()


async def _count(indexes: Indexes, plan: Plan, found: Retrieved, trace: Trace) -> Counts:
    if not plan.lexical:
        return Counts()
    if LEXICAL not in found.runs:
        # What has just failed is not asked again: the time that is left is others'.
        return Counts(degraded=(_UNAVAILABLE,))
    deadline = plan.deadline.earlier(plan.deadline.remaining_s() * LEGS_SHARE)
    try:
        return Counts(await survey(indexes, plan, trace, deadline))
    except BackendUnavailable:
        return Counts(degraded=(_UNAVAILABLE,))
