"""The first stage: both legs at once, each under its deadline, deepened until they suffice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from search_api.plan import Plan
from search_api.trace import Trace
from services.candidates import Hit, Run
from services.documents import Chunk, ChunkRef
from services.errors import BackendUnavailable, DeadlineExceeded
from services.ports.lexical import LexicalIndex
from services.ports.models import Embedder, Encoded
from services.ports.vectors import VectorIndex

LEXICAL = "lexical"
VECTOR = "vector"

# The legs may use this share of the whole deadline; the rest is for ordering and passages.
LEGS_SHARE = 0.6
_DEEPEST = 10_000

# Where words rule documents out, the vectors are not searched to the end for the rest: the
# text index has found every document that holds a phrase.
_DEEPEST_CONSTRAINED = 1_000


@dataclass(frozen=True, slots=True)
class Indexes:
    """The live generation's indexes, as one request sees them from beginning to end.

    Attributes:
        vectors: None for a generation that was built for words alone.
        chunks: what this request has read, for the stages that come later.
    """

    lexical: LexicalIndex
    vectors: VectorIndex | None
    chunks: dict[ChunkRef, Chunk] = field(default_factory=dict)


@dataclass(slots=True)
class Retrieved:
    """What the legs found.

    Attributes:
        runs: for each leg that answered its hits.
        encoded: the query's vectors, None where it was not embedded.
        failed: reasons, for each leg that did not answer or not fully.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    encoded: Encoded | None = None
    failed: list[str] = field(default_factory=list)


async def retrieve(indexes: Indexes, plan: Plan, trace: Trace) -> Retrieved:
    """Run the legs of a plan.

    Raises:
        BackendUnavailable: no leg answered.
    """
    found = Retrieved()
    legs = []
    deadline = plan.deadline.earlier(plan.deadline.remaining_s() * LEGS_SHARE)
    if plan.lexical:
        legs.append(_Leg(LEXICAL, _lexical_fetch(indexes, plan), indexes, plan))
    if plan.vector and plan.embedder is not None and indexes.vectors is not None:
        fetch = _vector_fetch(plan.embedder, indexes.vectors, plan, trace, found)
        legs.append(_Leg(VECTOR, fetch, indexes, plan))

    async def run(leg: "_Leg") -> None:
        try:
            with trace.stage(leg.name) as stage:
                await deadline.bound(leg.deepen(), f"The {leg.name} leg")
        except DeadlineExceeded:
            found.failed.append(f"{leg.name}_timeout")
        except BackendUnavailable:
            found.failed.append(f"{leg.name}_unavailable")
        if leg.run is not None:
            found.runs[leg.name] = leg.run
            stage.candidates = len(leg.run)

    await asyncio.gather(*(run(leg) for leg in legs))
    if not found.runs:
        raise BackendUnavailable(
            f"No index answered ({', '.join(found.failed)}). Try again shortly.", retry_after_s=5
        )
    found.runs = {leg.name: found.runs[leg.name] for leg in legs if leg.name in found.runs}
    return found


Fetch = Callable[[int], Awaitable[Run]]


def _lexical_fetch(indexes: Indexes, plan: Plan) -> Fetch:
    query = plan.lexical_query()

    async def fetch(depth: int) -> Run:
        return await indexes.lexical.search(query, depth)

    return fetch


def _vector_fetch(
    embedder: Embedder, vectors: VectorIndex, plan: Plan, trace: Trace, found: Retrieved
) -> Fetch:
    async def fetch(depth: int) -> Run:
        if found.encoded is None:
            with trace.stage("embed") as stage:
                found.encoded = await embedder.embed_query(plan.words.text)
                stage.candidates = 1
        return await vectors.search(found.encoded.vectors[0], plan.scope, depth)

    return fetch


class _Leg:
    """One leg: asks deeper and deeper until enough distinct results are found."""

    def __init__(self, name: str, fetch: Fetch, indexes: Indexes, plan: Plan) -> None:
        self.name = name
        self.run: Run | None = None
        self._fetch = fetch
        self._indexes = indexes
        self._plan = plan

    async def deepen(self) -> None:
        """Fill ``run``; what an earlier, shallower round found stays when time runs out."""
        depth = self._plan.depth
        constrained = self.name == VECTOR and self._plan.words.constrained
        deepest = max(depth, _DEEPEST_CONSTRAINED if constrained else _DEEPEST)
        while True:
            hits = await self._fetch(depth)
            self.run = await self._constrain(hits)
            if len(hits) < depth or depth >= deepest or self._enough(self.run):
                return
            depth = min(2 * depth, deepest)

    def _enough(self, run: Sequence[Hit]) -> bool:
        distinct = len(run) if self._plan.by_passage else len({hit.ref.document_id for hit in run})
        return distinct >= self._plan.target

    async def _constrain(self, hits: Run) -> Run:
        """Drop hits whose document lacks a quoted phrase or holds an excluded word."""
        if not self._plan.words.constrained:
            return hits
        ids = list(dict.fromkeys(hit.ref.document_id for hit in hits))
        allowed = await self._indexes.lexical.matching(self._plan.lexical_query(), ids)
        return [hit for hit in hits if hit.ref.document_id in allowed]
