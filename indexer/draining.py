"""Brings every generation up to the ledger: on demand, and in the background while serving."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from indexer.backoff import Backoff, Failure
from indexer.generations.building import Builds
from indexer.generations.removing import in_grace
from indexer.leading import leading, new_holder
from indexer.outcomes import IndexingReport, OnProgress, Progress
from indexer.pipeline import Checkpoint, Written
from indexer.rounds import Rounds
from services.assembly import Services
from services.errors import (
    BackendUnavailable,
    LeaseLost,
    ModelUnavailable,
    NotFound,
    TaskLost,
    WinnowError,
)
from services.generations import Generation, GenerationState
from services.metrics import DOCUMENTS_PENDING
from services.ports.leases import Lease
from services.ports.ledger import DeadLetter, Ledger

LOOK_S = 2.0
# How long workers go on with one generation while others wait.
ROUND_S = 5.0

_ORDER = (
    GenerationState.LIVE,
    GenerationState.READY,
    GenerationState.RETIRED,
    GenerationState.BUILDING,
    GenerationState.DISCARDED,
)

_log = logging.getLogger(__name__)


class Drainer:
    """Indexes what is pending, one round of one collection at a time.

    Rounds of a collection never overlap, in this process or another: who runs one holds the
    collection's lease.
    """

    def __init__(self, services: Services, checkpoint: Checkpoint) -> None:
        self._services = services
        self._rounds = Rounds(services, checkpoint)
        self._holder = new_holder()
        self._lease_s = services.settings.index_lease_ms / 1_000
        # Another process holds the lease: it may be done, or dead.
        self.pause_s = self._lease_s / 4
        self._backoff = Backoff(self.pause_s)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._progress: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._due: set[str] = set()
        self._woken = asyncio.Event()
        self.builds = Builds(services.ledger)

    def lock(self, collection: str) -> asyncio.Lock:
        """Held while a round of the collection runs."""
        return self._locks[collection]

    def progress(self, collection: str) -> asyncio.Event:
        """Set when the next batch of the collection is marked, or when it fails."""
        return self._progress[collection]

    def failure(self, collection: str) -> Failure | None:
        """Why the collection stands still, None where it does not."""
        return self._backoff.failure(collection)

    def wake(self, collection: str) -> None:
        """A collection was written to: do not wait for the next look at the ledger."""
        self._due.add(collection)
        self._woken.set()

    def forget(self, collection: str) -> None:
        """Drop what is kept of a collection that was deleted."""
        self._backoff.forget(collection)
        self._due.discard(collection)
        with suppress(KeyError):
            DOCUMENTS_PENDING.remove(collection)
        self._announce(collection)

    def close(self) -> None:
        """Let the thread end."""
        self._rounds.close()

    async def round(self, collection: str) -> AsyncGenerator[Written, None]:
        """Index what a round holds into every generation; yields each batch once marked.

        One that cannot be written to is left behind, and holds up no other. Where another
        process indexes the collection, nothing is done, and :meth:`deferred` says so.

        Raises:
            CollectionNotFound, ModelUnavailable, BackendUnavailable: see there.
        """
        async with self._locks[collection]:
            self._backoff.tried(collection)
            self._due.discard(collection)
            behind = await self._behind(collection)
            if not behind:
                return
            try:
                leases = self._services.ledger.leases
                async with leading(leases, collection, self._holder, self._lease_s) as lease:
                    if lease is None:
                        self._backoff.defer(collection)
                        return
                    async with aclosing(self._each(behind, lease)) as batches:
                        async for written in batches:
                            self._backoff.succeeded(collection)
                            self._announce(collection)
                            yield written
            except (LeaseLost, TaskLost) as error:
                _log.warning("%s", error.detail)
                self._backoff.defer(collection)

    def deferred(self, collection: str) -> bool:
        """Whether the last round left the collection to others, or for a moment later."""
        return self._backoff.deferred(collection)

    async def followed(self, collection: str) -> Sequence[Generation]:
        """The generations that are written to: the live one first, what is being built last."""
        kept = await self._services.ledger.collections.generations(collection)
        written = [each for each in kept if self._is_followed(each)]
        return sorted(written, key=lambda each: _ORDER.index(each.state))

    def _is_followed(self, generation: Generation) -> bool:
        match generation.state:
            case GenerationState.LIVE | GenerationState.READY:
                return True
            case GenerationState.RETIRED:
                return in_grace(generation, self._services.settings.grace_s)
            case GenerationState.BUILDING:
                return self.builds.due(generation)
        return False

    async def _behind(self, collection: str) -> Sequence[Generation]:
        """Those that lack something, and builds, which are completed once they lack nothing."""
        documents = self._services.ledger.documents
        return [
            each
            for each in await self.followed(collection)
            if each.to_be_completed or await documents.backlog(each)
        ]

    async def _each(
        self, generations: Sequence[Generation], lease: Lease
    ) -> AsyncGenerator[Written, None]:
        """A round of each; that one has no encoder is said after all had their turn."""
        failed: ModelUnavailable | None = None
        for generation in generations:
            batches = self._round_of(generation, lease)
            if generation.state is GenerationState.BUILDING:
                batches = self.builds.followed(generation, batches, self._woken)
            try:
                async with aclosing(batches):
                    async for written in batches:
                        yield written
                if generation.state is GenerationState.READY and generation.to_be_completed:
                    await self.builds.complete_if_whole(generation)
            except ModelUnavailable as error:
                if generation.state is GenerationState.LIVE:
                    failed = error
                else:
                    _log.warning("%s", error.detail)
                    self.builds.hold_up(generation, error.detail)
        if failed is not None:
            raise failed

    async def _round_of(
        self, generation: Generation, lease: Lease
    ) -> AsyncGenerator[Written, None]:
        live = generation.state is GenerationState.LIVE
        ends_s = time.monotonic() + ROUND_S

        def enough() -> bool:
            woken = not live and generation.collection in self._due
            ended = bool(self._due) and time.monotonic() >= ends_s
            return woken or ended or self.builds.stopping(generation)

        async with aclosing(self._rounds.of(generation, lease, enough)) as batches:
            async for written in batches:
                yield written

    async def run(self) -> None:
        """Keep every collection up to date until cancelled; errors are logged and retried."""
        look_at_s = 0.0
        while True:
            self._woken.clear()
            if time.monotonic() >= look_at_s:
                self._due |= await self._all()
                look_at_s = time.monotonic() + LOOK_S
            ready = sorted(name for name in self._due if self._backoff.over(name))
            for name in ready:
                # Taken off first, by the round: a write that comes meanwhile puts it back.
                if await self._tend(name):
                    self._due.add(name)
            if not ready:
                await self._sleep(look_at_s)

    async def _all(self) -> set[str]:
        """Every collection: another process may have written, or died before indexing."""
        try:
            return {item.name for item in await self._services.ledger.collections.list()}
        except BackendUnavailable as error:
            _log.warning("The ledger does not answer: %s", error.detail)
            return set()

    async def _tend(self, collection: str) -> bool:
        """One round of a collection; whether there may be more to do."""
        more = False
        try:
            async with aclosing(self.round(collection)) as batches:
                async for _ in batches:
                    more = True
            head = await self._services.ledger.collections.head(collection)
            backlog = await self._services.ledger.documents.backlog(head.live)
            DOCUMENTS_PENDING.labels(collection).set(backlog)
        except NotFound:
            self.forget(collection)
            return False
        except WinnowError as error:
            self._fail(collection, error)
            return True
        except Exception as error:  # noqa: BLE001  # the loop outlives every fault
            _log.exception("Indexing '%s' failed", collection)
            self._fail(collection, BackendUnavailable(f"{type(error).__name__}: {error}"))
            return True
        return more or self.deferred(collection)

    def _fail(self, collection: str, error: WinnowError) -> None:
        self._backoff.fail(collection, error)
        self._announce(collection)

    async def _sleep(self, look_at_s: float) -> None:
        """Until a write, the next look at the ledger or the next attempt."""
        retries = map(self._backoff.until_s, self._due)
        pause_s = max(0.01, min([look_at_s, *retries]) - time.monotonic())
        try:
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        except TimeoutError:
            return

    def _announce(self, collection: str) -> None:
        self._progress.pop(collection, asyncio.Event()).set()


async def drained(
    drainer: Drainer, ledger: Ledger, collection: str, progress: OnProgress | None
) -> IndexingReport:
    """Rounds until one finds nothing to do; ``progress`` hears of each batch.

    What another process indexes meanwhile is waited for, and not part of the report.
    """
    started_s = time.monotonic()
    total = 0
    for generation in await drainer.followed(collection):
        total += await ledger.documents.backlog(generation)
    documents = chunks = 0
    letters: list[DeadLetter] = []
    busy = True
    while busy:
        busy = False
        async with aclosing(drainer.round(collection)) as batches:
            async for written in batches:
                busy = True
                documents += written.documents
                chunks += written.chunks
                letters += written.dead_letters
                if progress is not None:
                    done = documents + len(letters)
                    elapsed_s = time.monotonic() - started_s
                    progress(Progress(done, max(total, done), chunks, elapsed_s))
        if not busy and drainer.deferred(collection):
            await asyncio.sleep(drainer.pause_s)
            busy = True
    await drainer.builds.completed(collection)
    return IndexingReport(documents, chunks, tuple(letters), time.monotonic() - started_s)
