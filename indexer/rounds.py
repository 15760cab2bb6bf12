"""One round for one generation: by workers where some live, else in this process."""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from itertools import takewhile

from indexer.fingerprints import encoder_of
from indexer.generations.yielding import Courtesy, YieldingEmbedder
from indexer.handing_out import HandingOut
from indexer.languages import dominant, settle
from indexer.marking import Mark, Marker
from indexer.pipeline import Checkpoint, Pipeline, Written
from services.assembly import Services
from services.errors import BackendUnavailable
from services.generations import Generation, GenerationState
from services.ports.ingestion import Attempts
from services.ports.leases import Lease
from services.ports.ledger import Record

ROUND_DOCUMENTS = 1_024
ROUND_BYTES = 32 * 2**20

_log = logging.getLogger(__name__)


class Rounds:
    """Indexes what is pending in a generation, for whoever holds the collection's lease."""

    def __init__(self, services: Services, checkpoint: Checkpoint) -> None:
        self._services = services
        self._documents = services.ledger.documents
        self._queue = services.ingest_queue
        self._checkpoint = checkpoint
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="winnow-cutter")
        self._said_alone = False

    def close(self) -> None:
        """Let the thread end."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def of(
        self, generation: Generation, lease: Lease, enough: Callable[[], bool]
    ) -> AsyncGenerator[Written, None]:
        """Index what a round holds; yields each batch once marked.

        In this process a round is at most ``ROUND_DOCUMENTS`` records and ``ROUND_BYTES`` of
        text, so that memory is bounded. Workers go on until nothing is left, or ``enough``.

        Raises:
            ModelUnavailable, BackendUnavailable, LeaseLost: what is not marked stays pending.
        """
        mark = Marker(self._documents, generation, lease)
        if self._queue is not None and self._queue.workers():
            self._said_alone = False
            most = self._services.settings.ingest_task_documents
            return HandingOut(
                self._documents, self._queue, generation, mark, self._checkpoint, most
            ).index(enough)
        return self._here(generation, mark, enough)

    async def _here(
        self, generation: Generation, mark: Mark, enough: Callable[[], bool]
    ) -> AsyncGenerator[Written, None]:
        if self._queue is not None:
            self._check_may_index_here()
        embedder = await encoder_of(generation, self._services)
        courtesy = None
        if generation.state is GenerationState.BUILDING:
            courtesy = Courtesy(self._services.usage)
            if embedder is not None:
                embedder = YieldingEmbedder(embedder, self._services.usage)
        pending = await self._harmless(generation)
        language = dominant(await self._documents.languages(generation.collection))
        pipeline = Pipeline(
            self._services, generation, embedder, self._executor, self._checkpoint, mark, courtesy
        )
        # What is in the making is finished: nothing that was embedded is lost.
        records = takewhile(lambda _: not enough(), settle(pending, language))
        async with aclosing(pipeline.index(records)) as batches:
            async for written in batches:
                yield written

    def _check_may_index_here(self) -> None:
        if not self._services.settings.ingest_in_process:
            raise BackendUnavailable(
                "No worker ingests, and WINNOW_INGEST_IN_PROCESS is off: start one with "
                "`winnow worker --queues ingest` and the same WINNOW_BROKER_URL."
            )
        if not self._said_alone:
            _log.warning("No worker ingests: this process indexes by itself until one does.")
            self._said_alone = True

    async def _harmless(self, generation: Generation) -> Sequence[Record]:
        """A round of pending records, without those that a worker has, or died over."""
        attempts = await self._attempts(generation)
        aside = len(attempts.claimed) + len(attempts.failed)
        pending = await self._documents.pending(generation, ROUND_DOCUMENTS + aside, ROUND_BYTES)
        if not aside:
            return pending
        harmless = [
            record
            for record in pending
            if record.document_id not in attempts.claimed
            and (record.document_id, record.version) not in attempts.failed
        ]
        if len(harmless) < len(pending):
            _log.warning(
                "%d documents of %s wait for a worker: one died with them in hand, and this "
                "process is not to follow it.",
                len(pending) - len(harmless),
                generation.name,
            )
        return harmless

    async def _attempts(self, generation: Generation) -> Attempts:
        if self._queue is None:
            return Attempts()
        try:
            return await self._queue.attempts(generation)
        except BackendUnavailable:
            # Without the broker nobody knows, and waiting for it would stall everything.
            return Attempts()
