"""The ledger as one request sees it, also while it does not answer.

An answer shows what the ledger vouches for. Where it is away (on the server stack it shares
OpenSearch with the text index), vectors could still find documents: those are shown as the
ledger last told of them to this process, and the answer says ``ledger_unavailable``. Who may
read what is never taken from memory: a caller with principals of its own is refused, since a
right that was taken away a minute ago is no right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from search_api.ledger_memory import Known, LedgerMemory
from services.deadlines import Deadline
from services.errors import BackendUnavailable, CollectionNotFound
from services.generations import Generation, Head
from services.ports.ledger import Ledger, Summary
from services.rights import Rights

UNAVAILABLE = "ledger_unavailable"

# Where there is a memory to fall back to, the ledger may use this share of what is left.
_SHARE = 0.35


class LedgerView:
    """Asks the ledger until it fails, then the memory, for one request.

    Attributes:
        language: that the generation reads every document in; "": each in its own.
    """

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
        self.rights = rights
        self.deadline = deadline
        self.language = ""
        self._away = False
        self._head: Head | None = None

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
        self._head = found.head
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
        held = self._unchanged(ids)
        unknown = [each for each in ids if each not in held]
        found = await self._ask(unknown) if unknown else {}
        return self._readable({**held, **found})

    def _unchanged(self, ids: Sequence[str]) -> dict[str, Summary]:
        """What was read before and holds still, by the head that this request has read."""
        if self._head is None:
            return {}
        return self._memory.unchanged_summaries(self._name, self._head, ids)

    async def _ask(self, ids: Sequence[str]) -> Mapping[str, Summary]:
        """The ledger's word, or what is remembered of it."""
        recalled = self._memory.recall_summaries(self._name, ids) if self._may_recall else {}
        if self._away and recalled:
            return recalled
        work = self._ledger.documents.summaries(self._name, ids)
        try:
            found = await self._limit(bool(recalled)).bound(work, "The ledger")
        except BackendUnavailable:
            if not recalled:
                raise
            self._away = True
            return recalled
        self._memory.keep_summaries(self._name, self._head, ids, found)
        return found

    async def _read(self, known: Known | None) -> Known:
        """All of it; languages change only with the epoch."""
        collection, head = await self._ledger.collections.state(self._name)
        if known is not None and known.head.epoch == head.epoch:
            return Known(collection, head, known.languages)
        languages = await self._ledger.documents.languages(self._name)
        return Known(collection, head, languages)

    @property
    def _may_recall(self) -> bool:
        return self.rights.principals is None

    def _limit(self, may_fall_back: bool) -> Deadline:
        if may_fall_back and self._may_recall:
            return self.deadline.earlier(self.deadline.remaining_s() * _SHARE)
        return self.deadline

    def _readable(self, found: Mapping[str, Summary]) -> dict[str, Summary]:
        read_in, may_read = self.language, self.rights.may_read
        return {
            identifier: summary
            if read_in in ("", summary.language)
            else replace(summary, language=read_in)
            for identifier, summary in found.items()
            if may_read(summary.principals)
        }
