"""What an operator does with generations: build, watch, check, switch, take back, remove."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from indexer.draining import Drainer
from indexer.generations import removing
from indexer.generations.auditing import Action, audited
from indexer.generations.checks import Check, demand, look
from indexer.generations.completion import Completion
from indexer.generations.garbage import Garbage
from indexer.generations.orders import Asked, Order, Verdict
from indexer.generations.planning import planned
from indexer.generations.switching import Switch
from services.assembly import Services
from services.errors import AlreadyExists, InvalidInput, NotFound
from services.generations import Build, Generation, GenerationState


@dataclass(frozen=True, slots=True)
class Standing:
    """A generation with what is known of it at this moment.

    Attributes:
        pending: documents and deletions that it lacks.
        dead: documents that cannot be indexed into it.
        in_use: searches of this process that run on it.
        waiting: why this process does not build it just now, "" where it does.
    """

    generation: Generation
    pending: int
    dead: int
    in_use: int
    waiting: str = ""


_UNSWITCHED = (GenerationState.BUILDING, GenerationState.READY)


class Generations:
    """The generations of all collections; every action is in the audit log."""

    def __init__(self, services: Services, drainer: Drainer) -> None:
        self._services = services
        self._ledger = services.ledger
        self._drainer = drainer
        self._switch = Switch(services, drainer)
        drainer.builds.complete_with(Completion(services, self._switch).complete)
        self.garbage = Garbage(services, drainer)

    @property
    def grace_s(self) -> float:
        """How long a retired generation is kept and written to, in seconds."""
        return self._services.settings.grace_s

    async def start(self, collection: str, order: Order, who: str) -> Generation:
        """Begin to build a generation, or find the same build under way.

        Raises:
            AlreadyExists: another build is under way, or the live generation is built the
                same way already (``force`` builds it all the same).
            ModelUnavailable, InvalidInput: see :func:`planned`.
        """
        async with audited(self._ledger.audit, who, "reindex", collection) as action:
            head = await self._ledger.collections.head(collection)
            wanted = await planned(self._services, order.changes, head.live.fingerprint)
            kept = await self._ledger.collections.generations(collection)
            for each in kept:
                if each.state not in _UNSWITCHED:
                    continue
                if each.fingerprint == wanted:
                    action.detail = "goes on"
                    return await self._go_on(each, order, action)
                raise AlreadyExists(
                    f"'{collection}' has another build, {each.id} ({each.state}): activate it, or "
                    "cancel it with 'winnow admin cancel'."
                )
            if wanted == head.live.fingerprint and not order.force:
                raise AlreadyExists(
                    f"The live generation {head.live.id} of '{collection}' is built that way "
                    "already. Change something, or build it anew all the same with --force."
                )
            build = Build(activate=order.activate, speed=order.speed)
            number = max(each.number for each in kept) + 1
            made = Generation(
                collection,
                Generation.new_id(number, wanted),
                wanted,
                GenerationState.BUILDING,
                build=build,
            )
            await self._ledger.collections.put_generation(made)
            action.generation = made.id
            self._drainer.wake(collection)
            return made

    async def _go_on(self, generation: Generation, order: Order, action: Action) -> Generation:
        action.generation = generation.id
        ready = generation.state is GenerationState.READY
        if ready and generation.build.fault and order.activate:
            raise InvalidInput(_refused(generation))

        def asked(held: Generation) -> Generation:
            build = replace(held.build, activate=order.activate, speed=order.speed, paused=False)
            # Failed checks are tried again; what judged queries said of it still holds.
            return replace(held, build=build if ready else replace(build, fault=""))

        changed = await self._ledger.collections.change_generation(generation, asked)
        self._drainer.wake(generation.collection)
        return changed

    async def list(self, collection: str) -> Sequence[Standing]:
        """Every generation of a collection, oldest first; CollectionNotFound without one."""
        kept = await self._ledger.collections.generations(collection)
        return [await self._standing(each) for each in kept]

    async def get(self, collection: str, identifier: str) -> Standing:
        """One generation, or NotFound."""
        return await self._standing(await self._find(collection, identifier))

    async def _standing(self, generation: Generation) -> Standing:
        documents = self._ledger.documents
        waiting = ""
        if generation.state is GenerationState.BUILDING:
            waiting = self._waiting(generation)
        return Standing(
            generation,
            await documents.backlog(generation),
            len(await documents.dead_letters(generation)),
            self._services.usage.of(generation),
            waiting,
        )

    def _waiting(self, generation: Generation) -> str:
        build = generation.build
        if build.fault:
            return f"did not pass its checks: {build.fault}"
        if build.paused:
            return "paused"
        failure = self._drainer.failure(generation.collection)
        return failure.error.detail if failure else self._drainer.builds.waiting(generation)

    async def change(self, collection: str, identifier: str, who: str, asked: Asked) -> Generation:
        """Change what is asked of a build."""
        audit = self._ledger.audit
        async with audited(audit, who, "change-build", collection, identifier) as action:
            action.detail = str(asked)
            generation = await self._find(collection, identifier, GenerationState.BUILDING)
            action.generation = generation.id
            after = await self._ledger.collections.change_generation(
                generation, lambda held: replace(held, build=asked.of(held.build))
            )
            if after.build.paused:
                self._drainer.builds.stop(generation)
            self._drainer.wake(collection)
            return after

    async def cancel(self, collection: str, identifier: str, who: str) -> None:
        """Give up a build, or one that is ready, and remove what it left."""
        audit = self._ledger.audit
        async with audited(audit, who, "cancel", collection, identifier) as action:
            generation = await self._find(collection, identifier, *_UNSWITCHED)
            action.generation = generation.id
            await removing.discard(self._services, generation)
            self._drainer.builds.stop(generation)
            async with self._drainer.lock(collection):
                await removing.remove(self._services, generation)
            self._drainer.builds.forget(generation)

    async def check(self, collection: str, identifier: str) -> Sequence[Check]:
        """What a switch asks for, looked at now."""
        return await look(self._services, await self._find(collection, identifier))

    async def activate(
        self,
        collection: str,
        identifier: str,
        who: str,
        *,
        force: bool = False,
        verdict: Verdict | None = None,
    ) -> Generation:
        """Let a generation answer searches.

        Args:
            force: also where it does not pass its checks.
            verdict: refuses where too much quality would be lost.

        Raises:
            InvalidInput: it is live already, not complete, or a check failed.
            AlreadyExists: another switch came first.
        """
        audit = self._ledger.audit
        async with audited(audit, who, "activate", collection, identifier) as action:
            generation = await self._find(collection, identifier)
            action.generation = generation.id
            action.detail = str(verdict or "")
            if verdict is not None:
                generation = await self._judged(generation, verdict)
                verdict.demand()
            if generation.state is GenerationState.LIVE:
                raise InvalidInput(f"The generation {identifier} is live already.")
            if generation.state is GenerationState.BUILDING:
                raise InvalidInput(
                    f"The generation {identifier} is not complete: "
                    f"{generation.build.fault or 'it is being built'}."
                )
            if generation.build.fault and not force:
                raise InvalidInput(_refused(generation))
            await self._switch.catch_up(generation)
            if force:
                action.detail = "without checks"
            else:
                demand(await look(self._services, generation))
            return await self._switch.to(generation)

    async def judge(
        self, collection: str, identifier: str, who: str, verdict: Verdict
    ) -> Generation:
        """Keep what judged queries say of a generation: until it is another, that holds."""
        audit = self._ledger.audit
        async with audited(audit, who, "judge", collection, identifier) as action:
            generation = await self._find(collection, identifier, GenerationState.READY)
            action.generation = generation.id
            action.detail = str(verdict)
            return await self._judged(generation, verdict)

    async def _judged(self, generation: Generation, verdict: Verdict) -> Generation:
        def judged(held: Generation) -> Generation:
            if held.state is GenerationState.BUILDING:
                return held  # its fault is that of its checks
            return replace(held, build=replace(held.build, fault=verdict.refusal))

        return await self._ledger.collections.change_generation(generation, judged)

    async def rollback(self, collection: str, who: str, identifier: str = "") -> Generation:
        """Switch back to the generation that was live before, or to a named retired one.

        Raises:
            InvalidInput: there is none.
        """
        async with audited(self._ledger.audit, who, "rollback", collection, identifier) as action:
            retired = [
                each
                for each in await self._ledger.collections.generations(collection)
                if each.retired_at is not None and each.id.startswith(identifier)
            ]
            if not retired:
                raise InvalidInput(
                    f"'{collection}' keeps no retired generation {identifier}".rstrip()
                    + " to go back to."
                )
            target = max(retired, key=lambda each: str(each.retired_at))
            action.generation = target.id
            if not removing.in_grace(target, self.grace_s):
                # Writes passed it by: from here on every process brings them to it.
                target = await self._ledger.collections.change_generation(
                    target, lambda held: held.moved_to(GenerationState.READY)
                )
            return await self._switch.to(target)

    async def _find(self, collection: str, identifier: str, *states: GenerationState) -> Generation:
        """The generation whose id begins so, or, for "", the only one in one of these states.

        Raises:
            NotFound: there is none, or several.
            InvalidInput: it is in none of the states.
        """
        kept = await self._ledger.collections.generations(collection)
        found = [each for each in kept if each.id.startswith(identifier)]
        fitting = [each for each in found if not states or each.state in states]
        if len(fitting) == 1:
            return fitting[0]
        wanted = " or ".join(states)
        if identifier and len(found) == 1:
            raise InvalidInput(f"The generation {found[0].id} is {found[0].state}, not {wanted}.")
        number = f"{len(fitting)} generations" if fitting else "no generation"
        named = f" {identifier[:80]!r}" if identifier else ""
        raise NotFound(
            f"'{collection}' has {number}{named}{f' that is {wanted}' if wanted else ''}: "
            "'winnow admin generations' lists them."
        )


def _refused(generation: Generation) -> str:
    return f"{generation.build.fault} 'winnow admin activate --force' switches all the same."
