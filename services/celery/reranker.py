"""Reranking on Celery workers, behind the same port as reranking in process."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from services.celery.app import RERANK, RERANK_TASK
from services.celery.codec import Failed, Heartbeat, Reply, Request, Scored, encode_request
from services.celery.exchange import Exchange
from services.celery.publisher import PUBLISH_S
from services.errors import BackendUnavailable, DeadlineExceeded, Overloaded
from services.metrics import RERANK_PAIRS, RERANK_QUEUE_SECONDS
from services.ports.models import ModelCard, RerankRequest, RerankResult

MAX_WAITING_REQUESTS = 256

# A worker answers so much before the deadline, for the way back.
WAY_BACK_S = 0.01

# Celery compares a task's expiry with the worker's own clock, which may be off: it only
# sweeps up what the exact deadline, on the broker's clock, has refused already.
CLOCK_ALLOWANCE_S = 30.0

# What a query is given where no worker has told its speed: enough to be asked and refused.
_AFFORDABLE_BLINDLY = 1


@dataclass(frozen=True, slots=True)
class _Waiting:
    reply: "asyncio.Future[Reply]"
    passages: int


class CeleryReranker:
    """Implements Reranker; lives on the event loop of its exchange."""

    def __init__(
        self, exchange: Exchange, model_name: str, *, closes_exchange: bool = False
    ) -> None:
        """The card says ``model_name`` while no worker lives."""
        self._last_card = ModelCard(model_name, "", "celery", "no worker", "unknown", max_tokens=0)
        self._exchange = exchange
        self._closes_exchange = closes_exchange
        self._listener = exchange.listener
        self._waiting: dict[str, _Waiting] = {}

    @classmethod
    async def open(cls, broker_url: str, model_name: str) -> "CeleryReranker":
        """One with an exchange of its own; InvalidInput where the URL names no Redis server."""
        return cls(await Exchange.open(broker_url), model_name, closes_exchange=True)

    @property
    def card(self) -> ModelCard:
        """Which model a live worker runs; the name that was asked for where none lives."""
        workers = self._listener.workers()
        if workers:
            self._last_card = workers[0].model
        return self._last_card

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        """How many passages the budget pays for at the slowest live worker.

        Any of them may take the task. What this process waits for counts where it is more
        than the worker reported: heartbeats come but once a second.
        """
        workers = self._listener.workers()
        if not workers:
            return _AFFORDABLE_BLINDLY
        return min(
            self._affordable_at(worker, budget_s, tokens, len(workers)) for worker in workers
        )

    async def rerank(self, request: RerankRequest) -> RerankResult:
        """Have a worker score until the deadline.

        Raises:
            BackendUnavailable: no worker lives, the broker took no task, or nobody
                answered by the deadline.
            Overloaded: too many requests wait here or at the worker.
        """
        self._refuse_in_vain()
        if not request.passages or time.monotonic() >= request.deadline_s:
            return self._nothing(request)
        sent_s = time.monotonic()
        task_id = uuid4().hex
        waiting = _Waiting(self._exchange.expect(task_id), len(request.passages))
        self._waiting[task_id] = waiting
        try:
            await self._send(task_id, request)
            left_s = request.deadline_s - time.monotonic()
            done, _ = await asyncio.wait({waiting.reply}, timeout=max(0.0, left_s))
            if not done:
                raise DeadlineExceeded("No worker answered by the deadline.")
            return _result(waiting.reply.result(), waiting.passages, time.monotonic() - sent_s)
        finally:
            del self._waiting[task_id]
            self._exchange.forget(task_id)

    async def ping(self) -> None:
        """Raise BackendUnavailable where no worker lives."""
        if not self._listener.workers():
            raise BackendUnavailable(
                "No worker reranks: start one with `winnow worker --queues rerank` and the same "
                "WINNOW_BROKER_URL."
            )

    async def close(self) -> None:
        """Refuse what waits, and let go of a broker that nobody else uses."""
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_result(Failed(id="", slug="closed", detail="It is closing."))
        if self._closes_exchange:
            await self._exchange.close()

    def _affordable_at(
        self, worker: Heartbeat, budget_s: float, tokens: Sequence[int] | None, workers: int
    ) -> int:
        load = worker.load
        pairs = sum(waiting.passages for waiting in self._waiting.values())
        load = replace(
            load,
            queued_tokens=max(load.queued_tokens, pairs * load.tokens_per_text / workers),
            requests=max(load.requests, len(self._waiting) // workers),
        )
        return load.affordable(budget_s - worker.wait_s - WAY_BACK_S, tokens)

    def _nothing(self, request: RerankRequest) -> RerankResult:
        """The answer to what needs no worker."""
        unscored = len(request.passages)
        return RerankResult((None,) * unscored, (False,) * unscored, self.card, "", 0.0, 0.0)

    def _refuse_in_vain(self) -> None:
        if not self._listener.workers():
            raise BackendUnavailable("No worker that reranks can be reached.")
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            raise Overloaded(
                f"{len(self._waiting)} requests wait for a worker: ask again in a moment.",
                retry_after_s=1,
            )

    async def _send(self, task_id: str, request: RerankRequest) -> None:
        remaining_s = request.deadline_s - time.monotonic()
        payload = encode_request(
            Request(
                query=request.query,
                passages=tuple(request.passages),
                remaining_s=remaining_s,
                expires_at_s=self._listener.clock.now_s() + remaining_s,
            )
        )
        try:
            await self._exchange.publisher.publish(
                RERANK_TASK,
                payload,
                queue=RERANK,
                task_id=task_id,
                reply_to=self._exchange.channel,
                expires_s=remaining_s + CLOCK_ALLOWANCE_S,
                within_s=min(PUBLISH_S, remaining_s),
            )
        except BackendUnavailable:
            # The next queries need not find it out again.
            self._listener.distrust()
            raise


def _result(reply: Reply, passages: int, round_trip_s: float) -> RerankResult:
    if isinstance(reply, Failed):
        if reply.slug == Overloaded.slug:
            raise Overloaded(reply.detail, retry_after_s=1)
        raise BackendUnavailable(f"The worker failed: {reply.detail}")
    if not isinstance(reply, Scored):
        raise BackendUnavailable("A worker answered another question than was asked.")
    if len(reply.scores) != passages or len(reply.truncated) != passages:
        raise BackendUnavailable("A worker answered for other passages than were sent.")
    # Both ways through the broker are waiting too.
    on_the_way_ms = max(0.0, round_trip_s - reply.held_s) * 1_000
    queue_ms = reply.queue_ms + on_the_way_ms
    RERANK_PAIRS.inc(sum(score is not None for score in reply.scores))
    RERANK_QUEUE_SECONDS.observe(queue_ms / 1_000)
    return RerankResult(
        scores=reply.scores,
        truncated=reply.truncated,
        model=reply.model,
        worker=reply.worker,
        compute_ms=reply.compute_ms,
        queue_ms=queue_ms,
    )
