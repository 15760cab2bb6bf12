"""The switch: one compare-and-set of one pointer, forth or back."""

import asyncio
from contextlib import aclosing

from indexer.draining import Drainer
from services.assembly import Services
from services.deadlines import Deadline
from services.errors import DeadlineExceeded
from services.generations import Generation

CATCH_UP_S = 600.0
"""A generation that was long away from its collection's writes may need so long."""

_PAUSE_S = 0.05


class Switch:
    """Points a collection to another of its generations."""

    def __init__(self, services: Services, drainer: Drainer) -> None:
        self._services = services
        self._drainer = drainer

    async def catch_up(self, generation: Generation) -> None:
        """Return once the generation holds every write that the live one holds.

        Raises:
            DeadlineExceeded: it takes too long; it goes on in the background.
            BackendUnavailable, ModelUnavailable: it cannot be written to.
        """
        deadline = Deadline.after(CATCH_UP_S)
        while await self._behind(generation):
            async with aclosing(self._drainer.round(generation.collection)) as batches:
                async for _ in batches:
                    pass
            if not deadline.remaining_s():
                raise DeadlineExceeded(
                    f"The generation {generation.id} still lacks documents that the live one "
                    "holds. It goes on being written: try again later."
                )
            await asyncio.sleep(_PAUSE_S)

    async def to(self, generation: Generation) -> Generation:
        """Switch once the generation holds what the live one holds; returns it as it is then.

        No round runs during the switch, so that nothing that searches found before is missing
        after it. Requests under way stay with the generation that they began with.

        Raises:
            AlreadyExists: another switch came first.
            NotFound: the generation was removed meanwhile.
        """
        while True:
            await self.catch_up(generation)
            async with self._drainer.lock(generation.collection):
                if await self._behind(generation):
                    continue
                collections = self._services.ledger.collections
                head = await collections.head(generation.collection)
                live = (await collections.activate(generation, head.revision)).live
            self._drainer.wake(generation.collection)
            return live

    async def _behind(self, generation: Generation) -> bool:
        """Whether it lacks more than the live generation, which lacks what came just now."""
        ledger = self._services.ledger
        live = (await ledger.collections.head(generation.collection)).live
        lacking = await ledger.documents.backlog(generation)
        return bool(lacking) and lacking > await ledger.documents.backlog(live)
