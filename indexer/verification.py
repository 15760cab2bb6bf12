"""Compares ledger, text index and vector index, document by document and chunk by chunk.

Writes go on meanwhile. So what a walk over all three finds is only a suspicion: each
suspect is looked at again, the ledger before and after the engines, and reported where the
ledger said the same both times. A document is marked as indexed after both engines hold it,
hence what is marked must be there.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from indexer.consistency.comparing import Discrepancy, Engine, Kind
from indexer.consistency.headway import Headway, silent
from indexer.consistency.merging import side_by_side
from indexer.consistency.sides import Item, Sides
from services.assembly import Services
from services.generations import Generation
from services.ports.ledger import MarkState, Standing

LISTED = 1_000
"""How many discrepancies a report names; it counts them all."""

PAGE = 500


@dataclass(frozen=True, slots=True)
class Discrepancies:
    """What a comparison found.

    Attributes:
        documents: compared, tombstones and phantoms included.
        pending, refused: of these, documents that are not judged: on their way, or dead letters.
        listed: the first :data:`LISTED`, by document id.
        counts: all of them by engine and kind.
    """

    generation: Generation
    documents: int
    pending: int
    refused: int
    listed: Sequence[Discrepancy]
    counts: Mapping[tuple[Engine, Kind], int]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


@dataclass(slots=True)
class Walk:
    """How far a comparison has come.

    Attributes:
        share: how much of its time it works, above 0 up to 1; it rests for the remainder.
        headway: is told how many live documents were compared.
    """

    share: float = 1.0
    headway: Headway = field(default_factory=lambda: Headway(silent))
    documents: int = 0
    pending: int = 0
    refused: int = 0
    _untold: int = 0

    def count(self, standing: Item | None) -> None:
        """One document was compared, with what the ledger has of it."""
        self.documents += 1
        if isinstance(standing, Standing):
            self.pending += standing.state is MarkState.PENDING
            self.refused += standing.state is MarkState.REFUSED
            self._untold += not standing.deleted

    async def rest(self, worked_s: float) -> None:
        """Say how far it is, and let others work."""
        self.headway.add(self._untold)
        self._untold = 0
        await asyncio.sleep(worked_s * (1 / self.share - 1))


async def verify(
    services: Services, generation: Generation, headway: Headway | None = None
) -> Discrepancies:
    """Compare one generation with the ledger.

    Raises:
        NotFound: the generation is gone.
        BackendUnavailable: one of the three does not answer.
    """
    walk = Walk(headway=headway or Headway(silent))
    listed: list[Discrepancy] = []
    counts: Counter[tuple[Engine, Kind]] = Counter()
    async with aclosing(discrepancies(services, generation, walk)) as batches:
        async for batch in batches:
            counts.update((each.engine, each.kind) for each in batch)
            listed += batch[: LISTED - len(listed)]
    return Discrepancies(
        generation, walk.documents, walk.pending, walk.refused, tuple(listed), counts
    )


async def discrepancies(
    services: Services, generation: Generation, walk: Walk
) -> AsyncGenerator[Sequence[Discrepancy], None]:
    """The discrepancies of one generation in batches, by document id, while the walk goes on."""
    sides = await Sides.open(services, generation)
    suspects: list[str] = []
    since_s = time.monotonic()
    async for identifier, items in side_by_side(sides.streams()):
        walk.count(items[0])
        if sides.compare(identifier, items):
            suspects.append(identifier)
        if walk.documents % PAGE == 0:
            if confirmed := await sides.confirmed(suspects):
                yield confirmed
            suspects = []
            await walk.rest(time.monotonic() - since_s)
            since_s = time.monotonic()
    if confirmed := await sides.confirmed(suspects):
        yield confirmed
    await walk.rest(0.0)
