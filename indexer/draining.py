"""Brings every generation up to the ledger: on demand, and in the background while serving."""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass

from indexer.fingerprints import check_writable
from indexer.languages import dominant, settle
from indexer.outcomes import IndexingReport, OnProgress, Progress
from indexer.pipeline import Checkpoint, Pipeline, Written
from services.assembly import Services
from services.errors import BackendUnavailable, ModelUnavailable, NotFound, WinnowError
from services.generations import Generation, GenerationState
from services.metrics import DOCUMENTS_PENDING
from services.ports.ledger import DeadLetter, Ledger

ROUND_DOCUMENTS = 1_024
ROUND_BYTES = 32 * 2**20
LOOK_S = 5.0
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a collection is not being indexed, and when it is tried again (monotonic time)."""

    error: WinnowError
    attempts: int
    retry_at_s: float


class Drainer:
    """Indexes what is pending, one round of one collection at a time.

    One round reads at most ``ROUND_DOCUMENTS`` records and ``ROUND_BYTES`` of text, so memory
    is bounded whatever the backlog. Rounds of a collection never overlap: whoever drains,
    each document's versions reach an engine in their order.
    """

    def __init__(self, services: Services, checkpoint: Checkpoint) -> None:
        self._services = services
        self._checkpoint = checkpoint
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="winnow-cutter")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._progress: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._failures: dict[str, Failure] = {}
        self._due: set[str] = set()
        self._woken = asyncio.Event()

    def lock(self, collection: str) -> asyncio.Lock:
        """Held while a round of the collection runs."""
        return self._locks[collection]

    def progress(self, collection: str) -> asyncio.Event:
        """Set when the next batch of the collection is marked, or when it fails."""
        return self._progress[collection]

    def failure(self, collection: str) -> Failure | None:
        """Why the collection stands still, None where it does not."""
        return self._failures.get(collection)

    def wake(self, collection: str) -> None:
        """A collection was written to: do not wait for the next look at the ledger."""
        self._due.add(collection)
        self._woken.set()

    def forget(self, collection: str) -> None:
        """Drop what is kept of a collection that was deleted."""
        self._failures.pop(collection, None)
        self._due.discard(collection)
        with suppress(KeyError):
            DOCUMENTS_PENDING.remove(collection)
        self._announce(collection)

    def close(self) -> None:
        """Let the thread end."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def round(self, collection: str) -> AsyncGenerator[Written, None]:
        """Index what a round holds into every generation; yields each batch once marked.

        A generation that is not live and cannot be written to is left behind with a warning:
        it must not hold up the one that answers searches.

        Raises:
            CollectionNotFound, ModelUnavailable, BackendUnavailable: see there.
        """
        async with self._locks[collection]:
            for generation in await self._services.ledger.collections.generations(collection):
                try:
                    async with aclosing(self._round_of(generation)) as batches:
                        async for written in batches:
                            self._failures.pop(collection, None)
                            self._announce(collection)
                            yield written
                except ModelUnavailable as error:
                    if generation.state is GenerationState.LIVE:
                        raise
                    _log.warning("%s", error.detail)

    async def _round_of(self, generation: Generation) -> AsyncGenerator[Written, None]:
        documents = self._services.ledger.documents
        if not await documents.backlog(generation):
            return
        check_writable(generation, self._services)
        pending = await documents.pending(generation, ROUND_DOCUMENTS, ROUND_BYTES)
        records = settle(pending, dominant(await documents.languages(generation.collection)))
        pipeline = Pipeline(self._services, generation, self._executor, self._checkpoint)
        async with aclosing(pipeline.index(records)) as batches:
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
            ready = sorted(name for name in self._due if self._may_try(name))
            for name in ready:
                # Taken off first: a write that comes meanwhile puts it back.
                self._due.discard(name)
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

    def _may_try(self, collection: str) -> bool:
        failure = self._failures.get(collection)
        return failure is None or failure.retry_at_s <= time.monotonic()

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
        return more

    def _fail(self, collection: str, error: WinnowError) -> None:
        """Keep the error and wait longer each time; say it once for each reason."""
        before = self._failures.get(collection)
        attempts = before.attempts + 1 if before else 1
        if before is None or before.error.detail != error.detail:
            _log.warning("Documents of '%s' wait to be indexed: %s", collection, error.detail)
        pause_s = min(FIRST_BACKOFF_S * 2 ** min(attempts - 1, 10), LONGEST_BACKOFF_S)
        # Jitter, so that several processes do not come back at once.
        retry_at_s = time.monotonic() + pause_s * random.uniform(0.8, 1.2)  # noqa: S311
        self._failures[collection] = Failure(error, attempts, retry_at_s)
        self._announce(collection)

    async def _sleep(self, look_at_s: float) -> None:
        """Until a write, the next look at the ledger or the next attempt."""
        retries = (self._failures[name].retry_at_s for name in self._due if name in self._failures)
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
    """Rounds until one finds nothing to do; ``progress`` hears of each batch."""
    started_s = time.monotonic()
    total = 0
    for generation in await ledger.collections.generations(collection):
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
    return IndexingReport(documents, chunks, tuple(letters), time.monotonic() - started_s)
