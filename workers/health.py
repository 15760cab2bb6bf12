"""Says once a second that the worker lives, how fast it is and what waits there."""

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from redis import Redis

from services.celery.clock import BrokerClock
from services.celery.codec import Heartbeat, decode_heartbeat, encode_heartbeat
from services.celery.connection import BROKER_ERRORS, WORKERS_KEY
from services.errors import WinnowError
from workers.scoring import Scoring

BEAT_S = 1.0
# Workers that died without a farewell are swept up after this.
_FORGOTTEN_S = 60

_log = logging.getLogger(__name__)


class Health:
    """A thread that writes heartbeats; it outlives every failure of the broker."""

    def __init__(self, broker: Redis, scoring: Scoring, clock: BrokerClock) -> None:
        self._broker = broker
        self._scoring = scoring
        self._clock = clock
        self._worker = scoring.reranker.worker
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="winnow-heartbeat", daemon=True)

    def read_clock(self) -> None:
        """Ask for the broker's time."""
        asked_s = time.monotonic()
        answer = self._broker.time()
        self._clock.read(answer, asked_s, time.monotonic())

    def start(self) -> None:
        """Begin: from now on requests come."""
        if not self._thread.is_alive():
            self._thread.start()

    def leave(self) -> None:
        """Stop counting as a worker; what was taken is still answered. Safe in a signal."""
        self._ended.set()

    def join(self) -> None:
        """Wait for the farewell."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        reachable = True
        while not self._ended.is_set():
            try:
                self._write()
                reachable = True
            except BROKER_ERRORS as error:
                if reachable:
                    _log.warning("The broker takes no heartbeat: %s", error)
                reachable = False
            self._ended.wait(BEAT_S)
        with suppress(*BROKER_ERRORS):
            self._broker.hdel(WORKERS_KEY, self._worker)

    def _write(self) -> None:
        self.read_clock()
        heartbeat = Heartbeat(
            worker=self._worker,
            model=self._scoring.reranker.card,
            load=self._scoring.reranker.load,
            at_s=self._clock.now_s(),
            wait_s=self._scoring.mean_wait_s(),
        )
        others = cast("Mapping[bytes, bytes]", self._broker.hgetall(WORKERS_KEY))
        forgotten = [name for name, text in others.items() if self._is_forgotten(text)]
        with self._broker.pipeline(transaction=False) as pipeline:
            pipeline.hset(WORKERS_KEY, self._worker, encode_heartbeat(heartbeat))
            pipeline.expire(WORKERS_KEY, _FORGOTTEN_S)
            if forgotten:
                pipeline.hdel(WORKERS_KEY, *forgotten)
            pipeline.execute()

    def _is_forgotten(self, text: bytes) -> bool:
        try:
            return decode_heartbeat(text).at_s < self._clock.now_s() - _FORGOTTEN_S
        except WinnowError:
            # Another version's: it knows how long its own are kept.
            return False
