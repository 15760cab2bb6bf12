"""The ledger's word on candidates: engines may lag, an answer never lies."""

from collections.abc import Mapping, Sequence

from search_api.plan import Plan
from search_api.trace import Trace
from services.assembly import Services
from services.ports.ledger import Summary
from services.rights import Rights


async def read_summaries(
    services: Services, plan: Plan, ids: Sequence[str], trace: Trace
) -> Mapping[str, Summary]:
    """What the ledger holds of these documents, those alone that the caller may read."""
    with trace.stage("ledger") as stage:
        distinct = list(dict.fromkeys(ids))
        work = services.ledger.documents.summaries(plan.collection.name, distinct)
        found = await plan.deadline.bound(work, "The ledger")
        readable = readable_by(plan.scope.rights, found)
        stage.candidates = len(readable)
    return readable


def readable_by(rights: Rights, summaries: Mapping[str, Summary]) -> Mapping[str, Summary]:
    """Those of the documents that the rights allow."""
    return {
        identifier: summary
        for identifier, summary in summaries.items()
        if rights.may_read(summary.principals)
    }


def stands(document_id: str, version: int, summaries: Mapping[str, Summary]) -> bool:
    """Whether this version is the newest and may be shown: not deleted, not superseded."""
    summary = summaries.get(document_id)
    return summary is not None and summary.version == version
