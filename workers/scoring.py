"""Answers rerank requests that came through the broker, by the batcher of this process."""

import threading
import time

from services.celery.clock import BrokerClock
from services.celery.codec import Failed, Request, Scored, decode_request
from services.celery.reranker import WAY_BACK_S
from services.errors import WinnowError
from services.models.reranker import InProcessReranker
from services.ports.models import RerankRequest


class Scoring:
    """Called from many threads at once: their passages share the batcher's passes."""

    def __init__(self, reranker: InProcessReranker, clock: BrokerClock) -> None:
        self.reranker = reranker
        self._clock = clock
        self._lock = threading.Lock()
        self._waits_s: list[float] = []

    def answer(self, task_id: str, payload: str) -> Scored | Failed | None:
        """Score until the deadline; None where it passed before anything was begun.

        Errors become the reply: the worker outlives every request.
        """
        taken_s = time.monotonic()
        try:
            request = decode_request(payload)
            left_s = self._left_s(request)
            if left_s <= 0:
                return None
            result = self.reranker.rerank_blocking(
                RerankRequest(request.query, request.passages, taken_s + left_s)
            )
        except WinnowError as error:
            return Failed(id=task_id, slug=error.slug, detail=error.detail)
        return Scored(
            id=task_id,
            scores=tuple(result.scores),
            truncated=tuple(result.truncated),
            model=result.model,
            worker=result.worker,
            compute_ms=result.compute_ms,
            queue_ms=result.queue_ms,
            held_s=time.monotonic() - taken_s,
        )

    def mean_wait_s(self) -> float:
        """How long requests since the last call stood in the broker; 0.0 where none came."""
        with self._lock:
            waits_s, self._waits_s = self._waits_s, []
        return sum(waits_s) / len(waits_s) if waits_s else 0.0

    def _left_s(self, request: Request) -> float:
        """What is left of the deadline, less the way back.

        By the broker's clock, and never more than there was when the request was sent:
        no clock can make a deadline later than it is.
        """
        waited_s = max(0.0, self._clock.now_s() - request.sent_at_s)
        with self._lock:
            self._waits_s.append(waited_s)
        return request.remaining_s - waited_s - WAY_BACK_S
