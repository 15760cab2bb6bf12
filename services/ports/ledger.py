"""The ledger: the source of truth for documents, versions, tombstones and generations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.collections import Collection
from services.documents import Document, Value
from services.generations import Generation, Head
from services.ports.audit import AuditLog
from services.ports.keys import KeyStore
from services.ports.leases import Lease, Leases

MOST_BYTES = 64 * 2**20
"""How much text a page of records holds, if not told otherwise."""


@dataclass(frozen=True, slots=True)
class Write:
    """A document to be stored, or with ``document`` None the id to be deleted."""

    document_id: str
    document: Document | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a write.

    Attributes:
        version: the document's version after it; grows by one with each change.
        changed: False where the stored content was the same (or nothing was there to
            delete): no new version was taken.
    """

    document_id: str
    version: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A document as the ledger holds it; ``document`` is None for a tombstone."""

    document_id: str
    version: int
    document: Document | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What a search answer needs of a live document: everything but its text."""

    document_id: str
    version: int
    title: str
    url: str
    language: str
    metadata: Mapping[str, Value]
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingVersion:
    """A record that is to be indexed, without its content; ``bytes`` of text in UTF-8."""

    document_id: str
    version: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A version that could not be indexed, with the reason."""

    document_id: str
    version: int
    reason: str
    at: datetime


class MarkState(StrEnum):
    """What a generation holds of a document's newest version."""

    INDEXED = "indexed"
    PENDING = "pending"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Standing:
    """A record without its content: what verification compares with the engines.

    Attributes:
        deleted: it is a tombstone.
        state: REFUSED for dead letters, dropped ones included.
    """

    document_id: str
    version: int
    deleted: bool
    state: MarkState


class CollectionLedger(Protocol):
    """Collections, their generations and the pointer to the live one."""

    async def create(self, collection: Collection, generation: Generation) -> Head:
        """Add a collection with its first generation, live at once; AlreadyExists if there."""

    async def get(self, name: str) -> Collection:
        """The collection, or CollectionNotFound."""

    async def list(self) -> Sequence[Collection]:
        """All collections by name."""

    async def delete(self, name: str) -> None:
        """Forget a collection, its documents and generations; CollectionNotFound if absent."""

    async def extend_schema(self, collection: Collection) -> Collection:
        """Store an extended schema; concurrent extensions are merged, the merged one returned.

        Raises SchemaConflict where another writer gave a new key another type.
        """

    async def head(self, name: str) -> Head:
        """The pointer record, or CollectionNotFound."""

    async def state(self, name: str) -> tuple[Collection, Head]:
        """Both as they stood at one moment, by one read; or CollectionNotFound."""

    async def generations(self, name: str) -> Sequence[Generation]:
        """Every generation kept, oldest first: the ones that writes go to."""

    async def put_generation(self, generation: Generation) -> None:
        """Add a generation that is not live, or change the state of one."""

    async def change_generation(
        self, generation: Generation, change: Callable[[Generation], Generation]
    ) -> Generation:
        """Replace the state and the build of a generation by what a pure function makes of it.

        Atomic: the function may be called again, with what another writer left. It raises
        where the change may not be. Returns the generation after it.

        Raises:
            NotFound: the ledger has forgotten it.
            InvalidInput: it became live, or stopped being so, by the change.
        """

    async def activate(self, generation: Generation, revision: int) -> Head:
        """Point to a generation if the record still has ``revision``, else AlreadyExists.

        Raises NotFound for one that is discarded or forgotten.
        """

    async def forget_generation(self, generation: Generation) -> None:
        """Remove a generation that is not live, with its marks and dead letters."""


class DocumentLedger(Protocol):
    """Documents, their versions and what is indexed of them."""

    async def accept(self, collection: str, writes: Sequence[Write]) -> Sequence[Accepted]:
        """Store writes in one transaction, in their order; durable when it returns."""

    async def read(self, collection: str, ids: Sequence[str]) -> Mapping[str, Record]:
        """Records by id, tombstones included, for as many as are there."""

    async def summaries(self, collection: str, ids: Sequence[str]) -> Mapping[str, Summary]:
        """Live documents without their text, for as many as are there."""

    async def list(
        self, collection: str, after: str, limit: int, prefix: str = ""
    ) -> Sequence[Summary]:
        """Live documents by id, from the first id greater than ``after``."""

    async def records(
        self, collection: str, after: str, limit: int, max_bytes: int = MOST_BYTES
    ) -> Sequence[Record]:
        """Records by id, tombstones included, from the first id greater than ``after``.

        At least one where there is any; then as many as stay under ``limit`` and their text
        under ``max_bytes``.
        """

    async def restore(self, collection: str, records: Sequence[Record]) -> int:
        """Store records as they were, versions and times included; returns how many.

        Only what is newer than the ledger's own: an equal or newer version there stays.
        What is stored becomes pending in every generation, as by :meth:`accept`.
        """

    async def supersede(self, collection: str, above: Mapping[str, int]) -> int:
        """Give documents a version above their own and the given one, their content unchanged.

        For an index that holds, rightly or not, a version which nothing older replaces: the new
        one is pending in every generation. An unknown id gets a tombstone. Returns how many.
        """

    async def count(self, collection: str) -> int:
        """How many live documents there are."""

    async def languages(self, collection: str) -> Mapping[str, int]:
        """How many live documents there are of each language."""

    async def pending(
        self, generation: Generation, limit: int, max_bytes: int = MOST_BYTES
    ) -> Sequence[Record]:
        """Records whose newest version is neither indexed nor dead in the generation.

        Oldest change first, so that nothing starves. At least one record where there is
        any; then as many as stay under ``limit`` and their text under ``max_bytes``.
        """

    async def pending_versions(
        self, generation: Generation, limit: int
    ) -> Sequence[PendingVersion]:
        """What :meth:`pending` would give, unread; a few that were just marked may be there."""

    async def backlog(self, generation: Generation) -> int:
        """How many records :meth:`pending` would give without its limits."""

    async def waiting(self, generation: Generation, ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids :meth:`pending` would give without its limits."""

    async def mark(
        self,
        generation: Generation,
        indexed: Mapping[str, int],
        refused: Sequence[DeadLetter] = (),
        fence: Lease | None = None,
    ) -> int:
        """Record versions as indexed or as dead letters; returns the epoch after it.

        Raises:
            LeaseLost: ``fence`` is another's by now; nothing was marked.
            NotFound: the ledger has forgotten the generation; nothing was marked.
        """

    async def marks(self, generation: Generation, ids: Sequence[str]) -> Mapping[str, int]:
        """The newest versions of these ids, of as many as are marked as indexed.

        What is pending, a dead letter (dropped ones too) or unknown is not there.
        """

    async def standings(self, generation: Generation, after: str, limit: int) -> Sequence[Standing]:
        """Every record's standing by id, from the first id greater than ``after``."""

    async def unmark(self, generation: Generation, ids: Sequence[str]) -> int:
        """Forget marks and dead letters of these ids; returns how many became pending."""

    async def dead_letters(self, generation: Generation) -> Sequence[DeadLetter]:
        """What could not be indexed, by document id."""

    async def drop_dead_letters(self, generation: Generation, ids: Sequence[str]) -> int:
        """Take dead letters off the list, not to be tried again; returns how many.

        The version stays settled; the next change of the document begins anew.
        """


class Ledger(Protocol):
    """Both halves and their lifecycle."""

    @property
    def collections(self) -> CollectionLedger:
        """Collections and generations."""

    @property
    def documents(self) -> DocumentLedger:
        """Documents and marks."""

    @property
    def leases(self) -> Leases:
        """Who may build what."""

    @property
    def audit(self) -> AuditLog:
        """Who did what."""

    @property
    def keys(self) -> KeyStore:
        """Who may ask."""

    async def ping(self) -> None:
        """Raise BackendUnavailable where the ledger does not answer."""

    async def close(self) -> None:
        """Release what is held."""
