"""Documents in: collections, writes, and the way to both indexes."""

import asyncio
from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from indexer.collections import Collections
from indexer.consistency.background import BackgroundReconciliation
from indexer.consistency.service import Consistency
from indexer.draft import Draft
from indexer.draining import Drainer, drained
from indexer.generations.auditing import WINNOW
from indexer.generations.service import Generations
from indexer.intake import outcome, prepared
from indexer.outcomes import IndexingReport, OnProgress, Outcome, Removal
from indexer.pipeline import Checkpoint, no_checkpoint
from indexer.waiting import settled
from services.assembly import Services
from services.collections import Collection, FieldType
from services.deadlines import Deadline
from services.documents import check_id
from services.errors import (
    DocumentNotFound,
    InvalidDocument,
    WinnowError,
)
from services.ports.ledger import DeadLetter, Record, Summary, Write

_PAGE = 1_000


class Indexer:
    """Writes go to the ledger first; the engines follow, in the background once started.

    ``async with Indexer(services)`` runs the background loop; without it
    :meth:`index_pending` does the same work on demand.
    """

    def __init__(self, services: Services, *, checkpoint: Checkpoint = no_checkpoint) -> None:
        self._services = services
        self._ledger = services.ledger
        self._checkpoint = checkpoint
        self._drainer = Drainer(services, checkpoint)
        self._collections = Collections(services, self._drainer)
        self.generations = Generations(services, self._drainer)
        self.consistency = Consistency(services, self._drainer, self.index_pending)
        self._reconciliation = BackgroundReconciliation(services, self._drainer)
        self._loop: asyncio.Task[None] | None = None
        self._walks: asyncio.Task[None] | None = None

    @property
    def max_document_bytes(self) -> int:
        """How long a document's text may be, in UTF-8."""
        return self._services.settings.max_document_bytes

    def start(self) -> None:
        """Begin to index in the background."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._drainer.run(), name="winnow-indexing")
            self._walks = asyncio.create_task(self._reconciliation.run(), name="winnow-walks")

    async def close(self) -> None:
        """Stop indexing; what is pending goes on at the next start."""
        if self._loop is not None and self._walks is not None:
            self._loop.cancel()
            self._walks.cancel()
            await asyncio.gather(self._loop, self._walks, return_exceptions=True)
            self._loop = self._walks = None
        await self._drainer.builds.close()
        await asyncio.to_thread(self._drainer.close)

    async def __aenter__(self) -> Self:
        """Start."""
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def create_collection(
        self,
        name: str,
        schema: Mapping[str, FieldType] | None = None,
        language: str = "",
        who: str = WINNOW,
    ) -> Collection:
        """Add a collection; see :meth:`indexer.collections.Collections.create`."""
        return await self._collections.create(name, schema or {}, language, who)

    async def ensure_collection(self, name: str, who: str = WINNOW) -> Collection:
        """The collection, created where there is none."""
        return await self._collections.ensure(name, who)

    async def declare(
        self, name: str, schema: Mapping[str, FieldType], language: str = "", who: str = WINNOW
    ) -> tuple[Collection, bool]:
        """Create a collection, or add metadata keys to it; whether it was created."""
        return await self._collections.declare(name, schema, language, who)

    async def get_collection(self, name: str) -> Collection:
        """The collection, or CollectionNotFound."""
        return await self._ledger.collections.get(name)

    async def list_collections(self) -> Sequence[Collection]:
        """All collections by name."""
        return await self._ledger.collections.list()

    async def delete_collection(self, name: str, who: str = WINNOW) -> None:
        """Remove a collection with its documents and indexes; CollectionNotFound if absent."""
        await self._collections.delete(name, who)

    async def put(self, collection: str, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        """Store documents; see :meth:`write`."""
        return await self.write(collection, drafts)

    async def delete(self, collection: str, ids: Sequence[str]) -> Sequence[Outcome]:
        """Delete documents; see :meth:`write`. One that is not there is not ``changed``."""
        return await self.write(collection, [Removal(identifier) for identifier in ids])

    async def write(
        self, collection: str, operations: Sequence[Draft | Removal]
    ) -> Sequence[Outcome]:
        """Store and delete, in this order, in one transaction; durable when it returns.

        A document that cannot be stored as it is stops nothing: its outcome says why. What
        changed is searchable once the engines have followed (:meth:`wait_until_indexed`).

        Raises:
            CollectionNotFound, BackendUnavailable: nothing was stored.
        """
        writes = await prepared(
            self._ledger.collections,
            collection,
            operations,
            self.max_document_bytes,
        )
        taken = [write for write in writes if isinstance(write, Write)]
        accepted = iter(await self._ledger.documents.accept(collection, taken))
        self._checkpoint("accepted")
        self._drainer.wake(collection)
        return [
            outcome(operation, write if isinstance(write, WinnowError) else next(accepted))
            for operation, write in zip(operations, writes, strict=True)
        ]

    async def prune(self, collection: str, keep: Ids[str]) -> int:
        """Delete every document whose id is not in ``keep`` (a set); returns how many."""
        after, deleted = "", 0
        while page := await self._ledger.documents.list(collection, after, _PAGE):
            after = page[-1].document_id
            gone = [item.document_id for item in page if item.document_id not in keep]
            if gone:
                deleted += sum(item.changed for item in await self.delete(collection, gone))
        return deleted

    async def get(self, collection: str, identifier: str) -> Record:
        """A live document with its version; DocumentNotFound where there is none."""
        record = (await self._ledger.documents.read(collection, [check_id(identifier)])).get(
            identifier
        )
        if record is None or record.document is None:
            raise DocumentNotFound(f"'{collection}' has no document {identifier!r}.")
        return record

    async def list(
        self, collection: str, after: str = "", limit: int = 100, prefix: str = ""
    ) -> Sequence[Summary]:
        """Live documents by id, from the first id greater than ``after``."""
        return await self._ledger.documents.list(collection, after, limit, prefix)

    async def count(self, collection: str) -> int:
        """How many live documents there are."""
        return await self._ledger.documents.count(collection)

    async def backlog(self, collection: str) -> int:
        """How many documents and deletions the live generation still lacks."""
        head = await self._ledger.collections.head(collection)
        return await self._ledger.documents.backlog(head.live)

    async def dead_letters(self, collection: str) -> Sequence[DeadLetter]:
        """What could not be indexed into the live generation, by document id."""
        head = await self._ledger.collections.head(collection)
        return await self._ledger.documents.dead_letters(head.live)

    async def index_pending(
        self, collection: str, progress: OnProgress | None = None
    ) -> IndexingReport:
        """Index everything that is pending, leftovers of a killed process included.

        Args:
            progress: called after each batch.

        Raises:
            ModelUnavailable: the collection was built with a model that is not loaded.
            BackendUnavailable: an engine failed; what is pending stays so.
        """
        return await drained(self._drainer, self._ledger, collection, progress)

    async def wait_until_indexed(
        self, collection: str, versions: Mapping[str, int], timeout_s: float
    ) -> None:
        """Return once these versions, or newer ones, can be found.

        Without the background loop this does the indexing itself.

        Raises:
            InvalidDocument: one of them cannot be indexed as it is, with the reason.
            DeadlineExceeded, ModelUnavailable: they are stored and wait.
        """
        for identifier, reason in (await self.settle(collection, versions, timeout_s)).items():
            raise InvalidDocument(f"{identifier!r} is stored and cannot be indexed: {reason}")

    async def settle(
        self, collection: str, versions: Mapping[str, int], timeout_s: float
    ) -> Mapping[str, str]:
        """As :meth:`wait_until_indexed`; returns the reason for each that cannot be indexed."""
        if self._loop is None:
            await Deadline.after(timeout_s).bound(self.index_pending(collection), "Indexing")
        return await settled(self._ledger, self._drainer, collection, versions, timeout_s)
