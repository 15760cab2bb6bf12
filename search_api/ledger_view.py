"""The ledger as one request sees it, also while it does not answer.

An answer shows what the ledger vouches for. Where it is away (on the server stack it shares
OpenSearch with the text index), vectors could still find documents: those are shown as the
ledger last told of them to this process, and the answer says ``ledger_unavailable``. Who may
read what is never taken from memory: a caller with principals of its own is refused, since a
right that was taken away a minute ago is no right.
"""

import asyncio
from collections.abc import Mapping, Sequence

from search_api.ledger_memory import Known, LedgerMemory
from services.deadlines import Deadline
from services.errors import BackendUnavailable, CollectionNotFound
from services.generations import Generation
from services.ports.ledger import Ledger, Summary
from services.rights import Rights

UNAVAILABLE = "ledger_unavailable"

# Where there is a memory to fall back to, the ledger may use this share of what is left.
_SHARE = 0.35


class LedgerView:
    """Asks the ledger until it fails, then the memory, for one request."""

    def __init__(
        self,
        ledger: Ledger,
        memory: LedgerMemory,
        collection: str,
        rights: Rights,
        deadline: Deadline,
    ) -> None:
        self._ledger = ledger
        self._memory = memory
        self._name = collection
        self._rights = rights
        self._deadline = deadline
        self._away = False

    @property
    def degraded(self) -> list[str]:
        """The reason that the answer gives, where something came from memory."""
        return [UNAVAILABLE] if self._away else []

    async def collection(self) -> Known:
        """The collection, its live generation and its languages.

        Raises:
            CollectionNotFound: there is none.
            BackendUnavailable: the ledger did not answer, and nothing may be recalled.
        """
        known = self._memory.recall(self._name)
        try:
            found = await self._limit(known is not None).bound(self._read(known), "The ledger")
        except CollectionNotFound:
            self._memory.forget(self._name)
            raise
        except BackendUnavailable:
            if known is None or not self._may_recall:
                raise
            self._away = True
            return known
        self._memory.keep(found)
        return found

    async def generation(self, generation_id: str) -> Generation | None:
        """A kept generation by its id."""
        known = self._memory.recall(self._name)
        work = self._ledger.collections.generations(self._name)
        try:
            kept = await self._limit(known is not None).bound(work, "The ledger")
        except BackendUnavailable:
            if known is None or not self._may_recall:
                raise
            self._away = True
            kept = [known.head.live]
        return next((each for each in kept if each.id == generation_id), None)

    async def summaries(self, ids: Sequence[str]) -> Mapping[str, Summary]:
        """The documents that the caller may read, of as many as there are.

        Raises:
            BackendUnavailable: the ledger did not answer, and none of them is remembered.
        """
        recalled = self._memory.recall_summaries(self._name, ids) if self._may_recall else {}
        if self._away and recalled:
            return self._readable(recalled)
        work = self._ledger.documents.summaries(self._name, ids)
        try:
            found = await self._limit(bool(recalled)).bound(work, "The ledger")
        except BackendUnavailable:
            if not recalled:
                raise
            self._away = True
            return self._readable(recalled)
        self._memory.keep_summaries(self._name, ids, found)
        return self._readable(found)

    async def _read(self, known: Known | None) -> Known:
        """All of it; languages change only with the epoch."""
        collections = self._ledger.collections
        head, collection = await asyncio.gather(
            collections.head(self._name), collections.get(self._name)
        )
        if known is not None and known.head.epoch == head.epoch:
            return Known(collection, head, known.languages)
        languages = await self._ledger.documents.languages(self._name)
        return Known(collection, head, languages)

    @property
    def _may_recall(self) -> bool:
        return self._rights.principals is None

    def _limit(self, may_fall_back: bool) -> Deadline:
        if may_fall_back and self._may_recall:
            return self._deadline.earlier(self._deadline.remaining_s() * _SHARE)
        return self._deadline

    def _readable(self, found: Mapping[str, Summary]) -> dict[str, Summary]:
        return {
            identifier: summary
            for identifier, summary in found.items()
            if self._rights.may_read(summary.principals)
        }
