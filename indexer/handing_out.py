"""Pending records of one generation, handed out to workers and marked when they are done.

The ledger says what is to be done, so nothing is kept here that a crash could lose. What a
worker died over is handed out again document by document, each alone in its worker, until
the one that kills is known.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import UTC, datetime

from indexer.languages import dominant
from indexer.marking import Mark
from indexer.pipeline import Checkpoint, Written
from services.errors import TaskLost, WinnowError
from services.generations import Generation
from services.metrics import INGEST_TASKS
from services.ports.ingestion import Attempts, IngestQueue, IngestResult, IngestTask
from services.ports.ledger import DeadLetter, DocumentLedger, PendingVersion

TASK_BYTES = 512 * 2**10
# One that a worker is at, and one that waits there.
TASKS_A_WORKER = 2
MAX_ATTEMPTS = 3

# Tasks to know of before the ledger is asked again.
_TASKS_AHEAD = 8
LOOK_S = 1.0
"""Between two looks for work or for results."""

_log = logging.getLogger(__name__)


class HandingOut:
    """One round for one generation; whoever runs it holds the lease on its collection."""

    def __init__(
        self,
        documents: DocumentLedger,
        queue: IngestQueue,
        generation: Generation,
        mark: Mark,
        checkpoint: Checkpoint,
        task_documents: int,
    ) -> None:
        self._documents = documents
        self._queue = queue
        self._generation = generation
        self._mark = mark
        self._checkpoint = checkpoint
        self._task_documents = task_documents
        self._running: dict[asyncio.Task[IngestResult], IngestTask] = {}
        self._ready: deque[IngestTask] = deque()
        self._look_at_s = 0.0
        self._lead_at_s = 0.0
        self._failure: WinnowError | None = None
        self._all_claimed = False

    async def index(self, enough: Callable[[], bool]) -> AsyncGenerator[Written, None]:
        """Hand out until nothing is pending; yields what is marked.

        What workers have from a leader that died is waited for: it is done, or they die.

        Args:
            enough: whether to hand out no more, since other work waits; what runs is
                waited for.

        Raises:
            ModelUnavailable, BackendUnavailable: a worker failed for a reason that may
                pass; what others did meanwhile is marked.
            TaskLost: no worker is left, and something to be done.
            LeaseLost: another process leads by now.
        """
        language = dominant(await self._documents.languages(self._generation.collection))
        try:
            while True:
                await self._lead()
                letters = await self._look(language)
                if letters:
                    await self._mark({}, letters)
                    yield Written(0, 0, tuple(letters))
                self._start()
                if not (self._running or self._all_claimed):
                    break
                if enough():
                    self._all_claimed = False
                    self._ready.clear()
                    self._look_at_s = float("inf")
                for result in await self._finished():
                    yield await self._marked(result)
        finally:
            for each in self._running:
                each.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        if self._failure is not None:
            raise self._failure
        if self._ready:
            raise TaskLost("The workers that ingest are gone.")

    async def _lead(self) -> None:
        if time.monotonic() >= self._lead_at_s:
            await self._queue.lead(self._generation.collection)
            self._lead_at_s = time.monotonic() + LOOK_S

    async def _look(self, language: str) -> Sequence[DeadLetter]:
        """Find more to hand out where too little is known of; returns what nobody survives."""
        if self._ready or time.monotonic() < self._look_at_s or not self._room():
            return ()
        attempts = await self._queue.attempts(self._generation)
        busy = attempts.claimed.union(
            identifier for task in self._running.values() for identifier, _ in task.documents
        )
        limit = len(busy) + _TASKS_AHEAD * self._task_documents
        pending = await self._documents.pending_versions(self._generation, limit)
        free = [each for each in pending if each.document_id not in busy]
        self._all_claimed = bool(pending) and not free
        if not free:
            self._look_at_s = time.monotonic() + LOOK_S
        letters, suspects, harmless = _judged(free, attempts)
        for group in _packed(harmless, self._task_documents):
            self._ready.append(self._task(group, language))
        for each in suspects:
            self._ready.append(self._task([each], language, alone=True))
        return letters

    def _task(
        self, group: Sequence[PendingVersion], language: str, *, alone: bool = False
    ) -> IngestTask:
        return IngestTask(
            collection=self._generation.collection,
            generation=self._generation.name,
            documents=tuple((each.document_id, each.version) for each in group),
            language=language,
            alone=alone,
        )

    def _room(self) -> int:
        """How many more tasks the workers that live can be given."""
        if self._failure is not None:
            return 0
        return max(0, TASKS_A_WORKER * self._queue.workers() - len(self._running))

    def _start(self) -> None:
        for _ in range(min(self._room(), len(self._ready))):
            task = self._ready.popleft()
            self._running[asyncio.create_task(self._queue.perform(task))] = task
            self._checkpoint("handed-out")

    async def _finished(self) -> Sequence[IngestResult]:
        """The results of tasks that ended, waiting a moment where none did."""
        if not self._running:
            await asyncio.sleep(LOOK_S)
            return ()
        done, _ = await asyncio.wait(
            self._running, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED
        )
        results = []
        for each in done:
            task = self._running.pop(each)
            try:
                results.append(each.result())
                INGEST_TASKS.labels("done").inc()
            except TaskLost as error:
                INGEST_TASKS.labels("lost").inc()
                _log.warning(
                    "A task of %d documents is handed out again: %s",
                    len(task.documents),
                    error.detail,
                )
                self._look_at_s = min(self._look_at_s, time.monotonic())
            except WinnowError as error:
                INGEST_TASKS.labels("failed").inc()
                self._failure = error
        return results

    async def _marked(self, result: IngestResult) -> Written:
        now = datetime.now(UTC)
        letters = tuple(
            DeadLetter(identifier, version, reason, now)
            for identifier, (version, reason) in result.refused.items()
        )
        await self._mark(result.indexed, letters)
        self._checkpoint("marked")
        versions = dict(result.indexed) | {each.document_id: each.version for each in letters}
        await self._queue.forget(self._generation, versions)
        return Written(len(result.indexed), result.chunks, letters)


def _judged(
    pending: Iterable[PendingVersion], attempts: Attempts
) -> tuple[list[DeadLetter], list[PendingVersion], list[PendingVersion]]:
    """Versions that failed too often, those that failed, and the others."""
    letters: list[DeadLetter] = []
    suspects: list[PendingVersion] = []
    harmless: list[PendingVersion] = []
    for each in pending:
        failed = attempts.failed.get((each.document_id, each.version), 0)
        if failed >= MAX_ATTEMPTS:
            reason = (
                f"{failed} attempts ended with the death of the worker; in all but the first "
                "it was alone there."
            )
            letters.append(DeadLetter(each.document_id, each.version, reason, datetime.now(UTC)))
        elif failed:
            suspects.append(each)
        else:
            harmless.append(each)
    return letters, suspects, harmless


def _packed(pending: Iterable[PendingVersion], most: int) -> Iterable[list[PendingVersion]]:
    """Groups of at most so many and, with more than one, ``TASK_BYTES``."""
    group: list[PendingVersion] = []
    room = TASK_BYTES
    for each in pending:
        room -= each.bytes
        if group and (len(group) == most or room < 0):
            yield group
            group, room = [], TASK_BYTES - each.bytes
        group.append(each)
    if group:
        yield group
