"""Ingestion on Celery workers: tasks out, results back, and which worker died over what.

Redis holds no truth here. What a worker has in hand is written there before it begins (a
claim), so that whoever hands out next, in this process or another, can tell which documents
a dead worker was at. Where Redis forgets everything, tasks are handed out again and the
counting begins anew.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import cast
from uuid import uuid4

from services.celery.app import INGEST, INGEST_TASK
from services.celery.claims import Sight, attempts_key, count_failure, field_of, takes, version_of
from services.celery.codec import (
    Failed,
    Ingested,
    IngestRequest,
    Reply,
    encode_ingest_request,
)
from services.celery.connection import (
    BROKER_ERRORS,
    LEADER_PREFIX,
    answer_of,
    connect_async,
)
from services.celery.exchange import Exchange
from services.errors import BackendUnavailable, EncoderMismatch, ModelUnavailable, TaskLost
from services.generations import Generation
from services.metrics import INGEST_DEATHS, INGEST_QUEUED
from services.ports.ingestion import Attempts, IngestResult, IngestTask

LEADER_TTL_S = 10
LOOK_S = 0.5
# A task that neither a worker nor the queue has was lost by the broker, or its worker died
# before it said that it had it. It may also be on its way from one to the other.
UNSEEN_S = 2.0
_ANSWER_S = 1.0
_PUBLISH_S = 2.0

_log = logging.getLogger(__name__)


class CeleryIngestQueue:
    """Implements IngestQueue; lives on the event loop of its exchange."""

    def __init__(self, exchange: Exchange) -> None:
        """Whoever opened the exchange closes it, after this."""
        self._exchange = exchange
        self._broker = connect_async(exchange.broker_url, _ANSWER_S)
        self._sight = Sight((), {}, 0)
        self._looked_at_s = 0.0
        self._looking = asyncio.Lock()

    def workers(self) -> int:
        """How many live and take tasks; 0 while the broker cannot be read."""
        listener = self._exchange.listener
        now_s = listener.clock.now_s()
        return sum(takes(worker, now_s) for worker in listener.ingesting())

    async def perform(self, task: IngestTask) -> IngestResult:
        """Have a worker do it; waits for as long as a live worker, or the queue, has it.

        Raises:
            TaskLost, ModelUnavailable, BackendUnavailable: see the port.
        """
        task_id = uuid4().hex
        reply = self._exchange.expect(task_id)
        try:
            await self._exchange.publisher.publish(
                INGEST_TASK,
                encode_ingest_request(IngestRequest(task=task)),
                queue=INGEST,
                task_id=task_id,
                reply_to=self._exchange.channel,
                expires_s=None,
                within_s=_PUBLISH_S,
            )
            await self._wait(task_id, reply)
            return _result(reply.result())
        finally:
            self._exchange.forget(task_id)

    async def attempts(self, generation: Generation) -> Attempts:
        """What is claimed, and how often attempts failed; BackendUnavailable without Redis."""
        sight = await self._look(0.0)
        try:
            counts = await answer_of(self._broker.hgetall(attempts_key(generation.name)))
        except BROKER_ERRORS as error:
            raise _away(error) from error
        claimed = (
            identifier
            for claim in sight.claims.values()
            if claim.generation == generation.name
            for identifier, _ in claim.documents
        )
        failed = {
            version_of(name): int(count)
            for name, count in cast("dict[bytes, bytes]", counts).items()
        }
        return Attempts(frozenset(claimed), failed)

    async def forget(self, generation: Generation, documents: Mapping[str, int]) -> None:
        """Forget failed attempts; where the broker is away they go by themselves."""
        if documents:
            names = map(field_of, documents.items())
            with contextlib.suppress(*BROKER_ERRORS):
                await answer_of(self._broker.hdel(attempts_key(generation.name), *names))

    async def lead(self, collection: str) -> None:
        """Say that this process hands out, for the next seconds."""
        key = f"{LEADER_PREFIX}{collection}"
        with contextlib.suppress(*BROKER_ERRORS):
            await answer_of(self._broker.set(key, self._exchange.channel, ex=LEADER_TTL_S))

    async def close(self) -> None:
        """Let go of the broker."""
        with contextlib.suppress(*BROKER_ERRORS):
            await self._broker.aclose()

    async def _wait(self, task_id: str, reply: "asyncio.Future[Reply]") -> None:
        """Return once there is a reply; TaskLost once there will be none."""
        seen_s, patience_s = time.monotonic(), UNSEEN_S
        while True:
            done, _ = await asyncio.wait({reply}, timeout=LOOK_S)
            if done:
                return
            try:
                sight = await self._look(LOOK_S)
            except BackendUnavailable:
                # Nobody knows; it is waited for as if it had never been seen.
                sight, patience_s = Sight((), {}, 0), UNSEEN_S
            if task_id in sight.claims:
                # A worker replies before it lets go: what it had is on its way, or lost.
                seen_s, patience_s = time.monotonic(), LOOK_S
            elif sight.queued and self.workers() and patience_s == UNSEEN_S:
                seen_s = time.monotonic()
            elif time.monotonic() - seen_s > patience_s:
                raise TaskLost("Neither a live worker nor the queue has the task.")

    async def _look(self, max_age_s: float) -> Sight:
        """What the broker knows; claims of dead workers are counted as failed and removed.

        Raises:
            BackendUnavailable: the broker cannot be read.
        """
        async with self._looking:
            if time.monotonic() - self._looked_at_s >= max_age_s:
                try:
                    self._sight = await self._read()
                except BROKER_ERRORS as error:
                    raise _away(error) from error
                self._looked_at_s = time.monotonic()
                INGEST_QUEUED.set(self._sight.queued)
            return self._sight

    async def _read(self) -> Sight:
        async with self._broker.pipeline(transaction=True) as pipeline:
            sight = Sight.of(await Sight.ask(pipeline).execute())
        for task_id, claim in sight.orphaned().items():
            counted = await answer_of(count_failure(self._broker, task_id, claim))
            if counted and claim.begun:
                INGEST_DEATHS.inc()
                _log.warning(
                    "The worker %s died over %d documents of %s; they are handed out again.",
                    claim.worker,
                    len(claim.documents),
                    claim.generation,
                )
        return sight.living()


def _result(reply: Reply) -> IngestResult:
    if isinstance(reply, Ingested):
        return reply.result
    if not isinstance(reply, Failed):
        raise BackendUnavailable("A worker answered another question than was asked.")
    if reply.slug in (ModelUnavailable.slug, EncoderMismatch.slug):
        raise ModelUnavailable(f"A worker says: {reply.detail}")
    raise BackendUnavailable(f"A worker failed: {reply.detail}")


def _away(error: Exception) -> BackendUnavailable:
    return BackendUnavailable(f"The broker cannot be reached: {error}")
