"""The ledger's word on candidates: engines may lag, an answer never lies."""

from collections.abc import Mapping, Sequence

from search_api.ledger_view import LedgerView
from search_api.trace import Trace
from services.ports.ledger import Summary


async def read_summaries(
    view: LedgerView, ids: Sequence[str], trace: Trace
) -> Mapping[str, Summary]:
    """What the ledger holds of these documents, those alone that the caller may read."""
    with trace.stage("ledger") as stage:
        readable = await view.summaries(list(dict.fromkeys(ids)))
        stage.candidates = len(readable)
    return readable


def stands(document_id: str, version: int, summaries: Mapping[str, Summary]) -> bool:
    """Whether this version is the newest and may be shown: not deleted, not superseded."""
    summary = summaries.get(document_id)
    return summary is not None and summary.version == version
