"""What this worker has in hand, told to the broker before it begins.

A process that dies can say nothing any more: so it says beforehand which documents it is at.
"""

import threading
from dataclasses import replace

from redis import Redis

from services.celery.codec import Claim, IngestHeartbeat, encode_claim, encode_ingest_heartbeat
from services.celery.connection import CLAIMS_KEY, INGEST_WORKERS_KEY

_WEIGHT_OF_THE_NEWEST = 0.2


class Claims:
    """Called from many threads; one at a time speaks to the broker.

    Otherwise a heartbeat, which repeats every claim in case that the broker forgot them,
    could bring back one that was just let go.
    """

    def __init__(self, broker: Redis, worker: str) -> None:
        self.worker = worker
        self._broker = broker
        self._lock = threading.Lock()
        self._claims: dict[str, Claim] = {}
        self._chunks_per_s = 0.0

    def take(self, task_id: str, claim: Claim) -> None:
        """Say that a task is here; an error of the broker's is the caller's."""
        with self._lock:
            self._broker.hset(CLAIMS_KEY, task_id, encode_claim(claim))
            self._claims[task_id] = claim

    def begin(self, task_id: str) -> None:
        """Say that its turn has come; an error of the broker's is the caller's."""
        with self._lock:
            begun = replace(self._claims[task_id], begun=True)
            self._broker.hset(CLAIMS_KEY, task_id, encode_claim(begun))
            self._claims[task_id] = begun

    def finish(self, task_id: str) -> None:
        """It is done, or was never begun; an error of the broker's is the caller's."""
        with self._lock:
            if self._claims.pop(task_id, None) is not None:
                self._broker.hdel(CLAIMS_KEY, task_id)

    def worked(self, chunks: int, seconds: float) -> None:
        """Take in the speed of a task."""
        speed = chunks / max(seconds, 1e-3)
        with self._lock:
            before = self._chunks_per_s or speed
            self._chunks_per_s = before + _WEIGHT_OF_THE_NEWEST * (speed - before)

    def beat(self, at_s: float, *, leaving: bool) -> None:
        """Say that the worker lives, and what it has in hand.

        Args:
            at_s: now, on the broker's clock.
        """
        with self._lock, self._broker.pipeline(transaction=True) as pipeline:
            heartbeat = IngestHeartbeat(
                worker=self.worker, at_s=at_s, chunks_per_s=self._chunks_per_s, leaving=leaving
            )
            pipeline.hset(INGEST_WORKERS_KEY, self.worker, encode_ingest_heartbeat(heartbeat))
            for task_id, claim in self._claims.items():
                pipeline.hset(CLAIMS_KEY, task_id, encode_claim(claim))
            pipeline.execute()

    def farewell(self) -> None:
        """Stop counting as a worker."""
        self._broker.hdel(INGEST_WORKERS_KEY, self.worker)
