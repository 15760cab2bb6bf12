"""Repairs what verification finds, by way of the ledger alone.

The engines are never written to from here. A document that an engine lacks, or holds in an
older version, is unmarked: it is pending, and indexing writes it again. Where the engine holds
this version or a newer one, though not as it should, it would ignore that; so the document
takes a version above everything that the engine has seen, its content unchanged. What the
ledger does not know becomes a tombstone in it, which indexing brings to the engine. All of
this is as safe beside writers, builders and other reconcilers as any write is, and where
there is nothing to repair nothing is written.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from indexer.consistency.comparing import Discrepancy
from indexer.verification import Walk, discrepancies
from services.assembly import Services
from services.errors import NotFound
from services.generations import Generation, GenerationState


@dataclass(frozen=True, slots=True)
class Repairs:
    """What one pass over a collection wrote into the ledger.

    Attributes:
        found: discrepancies by generation id, of the generations that had some.
        unmarked: documents that are to be indexed again as they are.
        superseded: documents that took a higher version, tombstones for unknown ids included.
    """

    found: Mapping[str, int] = field(default_factory=dict)
    unmarked: int = 0
    superseded: int = 0

    @property
    def wrote(self) -> bool:
        """Whether anything was."""
        return bool(self.unmarked or self.superseded)

    @property
    def summary(self) -> str:
        """For logs."""
        return (
            f"{sum(self.found.values())} discrepancies, {self.unmarked} documents to be indexed "
            f"again, {self.superseded} in a new version"
        )

    def and_then(self, later: "Repairs") -> "Repairs":
        """What two passes did together."""
        found = Counter(self.found)
        found.update(later.found)
        return Repairs(found, self.unmarked + later.unmarked, self.superseded + later.superseded)


async def reconcile(services: Services, collection: str, walk: Walk | None = None) -> Repairs:
    """Make everything pending that an engine does not hold as the ledger says: one pass.

    Raises:
        CollectionNotFound, BackendUnavailable: what was repaired until then stays so.
    """
    walk = walk or Walk()
    found: dict[str, int] = {}
    unmarked = superseded = 0
    for generation in await services.ledger.collections.generations(collection):
        if generation.state is GenerationState.DISCARDED:
            continue
        try:
            async with aclosing(discrepancies(services, generation, walk)) as batches:
                async for batch in batches:
                    again, raised = await _repair(services, generation, batch)
                    found[generation.id] = found.get(generation.id, 0) + len(batch)
                    unmarked += again
                    superseded += raised
        except NotFound:
            # A generation that was removed meanwhile needs no repair.
            await services.ledger.collections.get(collection)
    return Repairs(found, unmarked, superseded)


async def _repair(
    services: Services, generation: Generation, batch: Sequence[Discrepancy]
) -> tuple[int, int]:
    """Unmark and supersede; how many of each."""
    above: dict[str, int] = {}
    for each in batch:
        if each.found >= each.version:
            above[each.document_id] = max(above.get(each.document_id, 0), each.found)
    again = {each.document_id for each in batch} - above.keys()
    documents = services.ledger.documents
    raised = await documents.supersede(generation.collection, above) if above else 0
    return (await documents.unmark(generation, sorted(again)) if again else 0), raised
