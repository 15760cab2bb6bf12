"""Documents in a given order: no words to rank by, or a sort asked for."""

from search_api.fusion import Place
from search_api.plan import Plan
from search_api.ranking import Candidate, Item
from search_api.retrieval import LEXICAL, Indexes
from search_api.trace import Trace
from services.assembly import Services
from services.candidates import IndexedVersion
from services.documents import ChunkRef

SORT = "sort"


async def browse(services: Services, indexes: Indexes, plan: Plan, trace: Trace) -> list[Item]:
    """Matching documents by the plan's sort, else by id; as many as a list may hold.

    Raises:
        BackendUnavailable: the text index did not answer; nothing else can browse.
    """
    depth = services.settings.max_results
    query = plan.lexical_query()
    with trace.stage("browse") as stage:
        work = indexes.lexical.browse(query, plan.sort, depth)
        found = await plan.deadline.bound(work, "The text index")
        stage.candidates = len(found)
    best = {} if plan.words.empty else await _best_chunks(indexes, plan, trace, depth)
    return [_item(entry, best.get(entry.document_id)) for entry in found]


async def _best_chunks(
    indexes: Indexes, plan: Plan, trace: Trace, depth: int
) -> dict[str, Candidate]:
    """For each document the chunk that its words rank highest, to be shown as its passage."""
    with trace.stage(LEXICAL) as stage:
        work = indexes.lexical.search(plan.lexical_query(), depth)
        run = await plan.deadline.bound(work, "The text index")
        stage.candidates = len(run)
    best: dict[str, Candidate] = {}
    for rank, hit in enumerate(run, start=1):
        place = Place(rank, hit.score)
        candidate = Candidate(hit.ref, hit.version, hit.score, LEXICAL, {LEXICAL: place})
        best.setdefault(hit.ref.document_id, candidate)
    return best


def _item(entry: IndexedVersion, best: Candidate | None) -> Item:
    chunk = best or Candidate(ChunkRef(entry.document_id, 0), entry.version, 0.0, SORT, {})
    return Item(entry.document_id, entry.version, 0.0, SORT, (chunk,))
