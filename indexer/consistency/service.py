"""What an operator does to see that ledger and engines agree, and to make them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from indexer.consistency.backup import OnRecords, backup
from indexer.consistency.headway import Headway, OnStage, Stage, silent
from indexer.consistency.restoring import Restored, restore
from indexer.draining import Drainer
from indexer.generations.auditing import audited
from indexer.outcomes import OnProgress
from indexer.reconciliation import Repairs, reconcile
from indexer.verification import Discrepancies, Walk, verify
from services.assembly import Services
from services.errors import NotFound, WinnowError
from services.generations import Generation, GenerationState
from services.ports.audit import AuditEntry
from services.ports.ledger import DeadLetter

PASSES = 3
"""How often repairs are looked at again: one may show what another hid."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How a reconciliation ended.

    Attributes:
        clean: the last look found nothing.
        waiting: why repairs are not in the engines yet, "" where they are.
    """

    repairs: Repairs
    clean: bool
    waiting: str = ""


class Consistency:
    """Verification, repair, dead letters, backups; what changes something is audited."""

    def __init__(
        self,
        services: Services,
        drainer: Drainer,
        index_pending: Callable[[str, OnProgress], Awaitable[object]],
    ) -> None:
        """``index_pending`` returns once nothing of a collection is pending."""
        self._services = services
        self._ledger = services.ledger
        self._drainer = drainer
        self._index_pending = index_pending

    async def verify(
        self, collection: str, identifier: str = "", on_stage: OnStage = silent
    ) -> Sequence[Discrepancies]:
        """Compare every generation that is kept, or one, with the ledger; oldest first.

        Raises:
            CollectionNotFound, NotFound, BackendUnavailable: see there.
        """
        kept = await self._ledger.collections.generations(collection)
        chosen = [each for each in kept if identifier in ("", each.id)]
        if identifier and not chosen:
            raise NotFound(f"'{collection}' has no generation {identifier[:80]!r}.")
        compared = [each for each in chosen if each.state is not GenerationState.DISCARDED]
        headway = await self._headway(collection, on_stage, len(compared))
        return [await verify(self._services, each, headway) for each in compared]

    async def reconcile(self, collection: str, who: str, on_stage: OnStage = silent) -> Reconciled:
        """Repair, index what is pending by that, and look again, until nothing is found."""
        async with audited(self._ledger.audit, who, "reconcile", collection) as action:
            done = await self._reconcile(collection, on_stage)
            action.detail = done.repairs.summary
            return done

    async def _reconcile(self, collection: str, on_stage: OnStage) -> Reconciled:
        total = Repairs()
        for _ in range(PASSES):
            kept = await self._ledger.collections.generations(collection)
            headway = await self._headway(collection, on_stage, len(kept))
            repairs = await reconcile(self._services, collection, Walk(headway=headway))
            total = total.and_then(repairs)
            if not repairs.wrote:
                return Reconciled(total, not repairs.found)
            try:
                await self._index_pending(collection, partial(on_stage, Stage.INDEXING))
            except WinnowError as error:
                return Reconciled(total, False, error.detail)
        return Reconciled(total, False)

    async def _headway(self, collection: str, on_stage: OnStage, generations: int) -> Headway:
        """Of a look at so many generations."""
        headway = Headway(on_stage)
        headway.expect(generations * await self._ledger.documents.count(collection))
        return headway

    async def dead_letters(
        self, collection: str, identifier: str = ""
    ) -> tuple[Generation, Sequence[DeadLetter]]:
        """What could not be indexed into a generation, the live one if none is named."""
        generation = await self._find(collection, identifier)
        return generation, await self._ledger.documents.dead_letters(generation)

    async def retry(
        self, collection: str, identifier: str, ids: Sequence[str] | None, who: str
    ) -> int:
        """Try dead letters again, all of them where no ids are given; returns how many."""
        async with audited(self._ledger.audit, who, "retry", collection, identifier) as action:
            generation, letters = await self._named(collection, identifier, ids)
            action.generation = generation.id
            if self._services.ingest_queue is not None:
                await self._services.ingest_queue.forget(generation, letters)
            retried = await self._ledger.documents.unmark(generation, list(letters))
            action.detail = f"{retried} documents"
            self._drainer.wake(collection)
            return retried

    async def drop(
        self, collection: str, identifier: str, ids: Sequence[str] | None, who: str
    ) -> int:
        """Take dead letters off the list, all of them where no ids are given."""
        async with audited(self._ledger.audit, who, "drop", collection, identifier) as action:
            generation, letters = await self._named(collection, identifier, ids)
            action.generation = generation.id
            dropped = await self._ledger.documents.drop_dead_letters(generation, list(letters))
            action.detail = f"{dropped} documents"
            return dropped

    async def audit(self, collection: str, limit: int) -> Sequence[AuditEntry]:
        """The newest entries of the audit log, newest first."""
        return await self._ledger.audit.read(collection, limit)

    async def backup(
        self, names: Sequence[str], who: str, on_records: OnRecords | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes of a backup; see :func:`indexer.consistency.backup.backup`."""
        async with audited(self._ledger.audit, who, "backup", " ".join(names)):
            async for part in backup(self._ledger, names, on_records):
                yield part

    async def restore(self, path: Path, who: str, on_records: OnRecords | None = None) -> Restored:
        """Store what a backup holds, and have it indexed in the background."""
        async with audited(self._ledger.audit, who, "restore", "") as action:
            restored = await restore(self._ledger, path, on_records)
            action.detail = (
                f"{' '.join(restored.collections)}: {restored.stored} of {restored.records} records"
            )
            for name in restored.collections:
                self._drainer.wake(name)
            return restored

    async def _find(self, collection: str, identifier: str) -> Generation:
        if not identifier:
            return (await self._ledger.collections.head(collection)).live
        for each in await self._ledger.collections.generations(collection):
            if each.id == identifier:
                return each
        raise NotFound(f"'{collection}' has no generation {identifier[:80]!r}.")

    async def _named(
        self, collection: str, identifier: str, ids: Sequence[str] | None
    ) -> tuple[Generation, Mapping[str, int]]:
        """A generation with the versions of its dead letters of these ids, or of all."""
        generation, letters = await self.dead_letters(collection, identifier)
        wanted = None if ids is None else frozenset(ids)
        return generation, {
            letter.document_id: letter.version
            for letter in letters
            if wanted is None or letter.document_id in wanted
        }
