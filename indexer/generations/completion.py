"""What follows a build that lacks nothing: checks, and the switch where it was asked for."""

from dataclasses import replace

from indexer.generations.auditing import WINNOW, audited
from indexer.generations.checks import demand, look
from indexer.generations.switching import Switch
from services.assembly import Services
from services.errors import InvalidInput
from services.generations import Generation, GenerationState


class Completion:
    """Completes builds."""

    def __init__(self, services: Services, switch: Switch) -> None:
        self._services = services
        self._ledger = services.ledger
        self._switch = switch

    async def complete(self, generation: Generation) -> None:
        """Make a build ready, or keep why it did not pass.

        Raises:
            InvalidInput: it did not pass its checks.
            BackendUnavailable: it could not be looked at; it stays as it is.
        """
        collection, identifier = generation.collection, generation.id
        ready = generation
        if generation.state is GenerationState.BUILDING:
            ready = await self._checked(generation)
        else:
            # A process died between the checks and the switch; another may have made it since.
            kept = await self._ledger.collections.generations(collection)
            if not any(each.id == identifier and each.state is ready.state for each in kept):
                return
        if ready.build.activate:
            async with audited(self._ledger.audit, WINNOW, "activate", collection, identifier):
                await self._switch.to(ready)

    async def _checked(self, generation: Generation) -> Generation:
        """The build, ready; InvalidInput where it did not pass, which is kept."""
        audit = self._ledger.audit
        async with audited(
            audit, WINNOW, "complete", generation.collection, generation.id
        ) as action:
            try:
                demand(await look(self._services, generation))
            except InvalidInput as error:
                await self._fault(generation, error.detail)
                raise
            ready = await self._ledger.collections.change_generation(generation, _ready)
            action.detail = f"{ready.build.documents} documents, {ready.build.chunks} chunks"
            return ready

    async def _fault(self, generation: Generation, fault: str) -> None:
        """Keep why a build did not pass; it is tried again when an operator says so."""

        def faulty(held: Generation) -> Generation:
            return replace(held, build=replace(held.build, fault=fault))

        await self._ledger.collections.change_generation(generation, faulty)


def _ready(held: Generation) -> Generation:
    if held.state is not GenerationState.BUILDING:
        raise InvalidInput(f"The generation {held.id} is {held.state} by now.")
    return held.moved_to(GenerationState.READY)
