"""What nobody needs any more: found, told of, and removed."""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.draining import Drainer
from indexer.generations import removing
from indexer.generations.auditing import audited
from services.assembly import Services
from services.errors import WinnowError
from services.generations import Generation, GenerationState


@dataclass(frozen=True, slots=True)
class Removed:
    """What a collection of garbage found.

    Attributes:
        generations: ids of what was removed (or would be).
        kept: ids of what may not be removed, with the reason.
        failed: ids of what an engine did not let go of, with the reason; the next run finds
            it again.
        orphans: indexes that no generation of the ledger owns.
    """

    generations: Sequence[str]
    kept: Sequence[tuple[str, str]]
    failed: Sequence[tuple[str, str]]
    orphans: Sequence[str]


class Garbage:
    """Removes generations past their grace period, and what was left of others."""

    def __init__(self, services: Services, drainer: Drainer) -> None:
        self._services = services
        self._ledger = services.ledger
        self._drainer = drainer

    async def collect(
        self, collection: str, who: str, *, dry_run: bool = False, orphans: bool = False
    ) -> Removed:
        """Remove what is past its grace period or discarded, and orphans where asked to.

        Never the live generation, nor one that searches of this process run on; pages and
        requests of other processes end within the grace period.
        """
        due: list[Generation] = []
        kept: list[tuple[str, str]] = []
        for each in await self._ledger.collections.generations(collection):
            reason = self._reason_to_keep(each)
            if reason:
                kept.append((each.id, reason))
            else:
                due.append(each)
        failed = [] if dry_run else await self._remove_all(due, who)
        unremoved = dict(failed)
        gone = [each.id for each in due if each.id not in unremoved]
        return Removed(gone, kept, failed, await self._orphans(collection, who, orphans, dry_run))

    def _reason_to_keep(self, generation: Generation) -> str:
        if generation.state is GenerationState.DISCARDED:
            return ""
        if generation.state is not GenerationState.RETIRED:
            return f"it is {generation.state}"
        grace_s = self._services.settings.grace_s
        ends_at = removing.removable_at(generation, grace_s)
        if ends_at is not None and removing.in_grace(generation, grace_s):
            return f"its grace period ends at {ends_at:%Y-%m-%d %H:%M:%S} UTC"
        used = self._services.usage.of(generation)
        return f"{used} searches run on it" if used else ""

    async def _remove_all(
        self, generations: Sequence[Generation], who: str
    ) -> list[tuple[str, str]]:
        """Remove each; returns those that an engine kept, with the reason."""
        failed: list[tuple[str, str]] = []
        for each in generations:
            try:
                async with audited(self._ledger.audit, who, "remove", each.collection, each.id):
                    await removing.discard(self._services, each)
                    async with self._drainer.lock(each.collection):
                        await removing.remove(self._services, each)
            except WinnowError as error:
                failed.append((each.id, error.detail))
        return failed

    async def _orphans(
        self, collection: str, who: str, remove: bool, dry_run: bool
    ) -> Sequence[str]:
        found = await removing.find_orphans(self._services)
        names = [name for _, name in found]
        if found and remove and not dry_run:
            async with audited(self._ledger.audit, who, "remove-orphans", collection) as action:
                action.detail = ", ".join(names)
                await removing.remove_orphans(self._services, found)
        return names
