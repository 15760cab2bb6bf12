"""Says once a second that the worker lives."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

from redis import Redis

from services.celery.clock import BrokerClock
from services.celery.codec import (
    Heartbeat,
    decode_heartbeat,
    decode_ingest_heartbeat,
    encode_heartbeat,
)
from services.celery.connection import BROKER_ERRORS, INGEST_WORKERS_KEY, WORKERS_KEY
from services.errors import WinnowError
from workers.scoring import Scoring

BEAT_S = 1.0
# Workers that died without a farewell are swept up after this.
_FORGOTTEN_S = 60

_DECODERS: Mapping[str, Callable[[bytes], Any]] = {
    WORKERS_KEY: decode_heartbeat,
    INGEST_WORKERS_KEY: decode_ingest_heartbeat,
}

_log = logging.getLogger(__name__)


class Sign(Protocol):
    """One thing that a worker says of itself; errors of the broker's are the caller's."""

    def beat(self, at_s: float, *, leaving: bool) -> None:
        """Say it, at this time of the broker's clock; leaving, it takes nothing more."""

    def farewell(self) -> None:
        """Take it back: the worker ends."""


class RerankSign:
    """How fast the worker scores and what waits there."""

    def __init__(self, broker: Redis, scoring: Scoring) -> None:
        self._broker = broker
        self._scoring = scoring
        self._worker = scoring.reranker.worker

    def beat(self, at_s: float, *, leaving: bool) -> None:
        """Write the heartbeat; one that leaves is asked for nothing more."""
        if leaving:
            self.farewell()
            return
        heartbeat = Heartbeat(
            worker=self._worker,
            model=self._scoring.reranker.card,
            load=self._scoring.reranker.load,
            at_s=at_s,
            wait_s=self._scoring.mean_wait_s(),
        )
        self._broker.hset(WORKERS_KEY, self._worker, encode_heartbeat(heartbeat))

    def farewell(self) -> None:
        """Stop counting as a worker."""
        self._broker.hdel(WORKERS_KEY, self._worker)


class Health:
    """A thread that gives signs of life; it outlives every failure of the broker."""

    def __init__(self, broker: Redis, clock: BrokerClock, signs: Sequence[Sign]) -> None:
        self._broker = broker
        self._clock = clock
        self._signs = signs
        self._told = threading.Event()
        self._leaving = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="winnow-heartbeat", daemon=True)

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
        """Take nothing more; what was taken is still answered. Safe in a signal."""
        self._leaving = True
        self._told.set()

    def join(self) -> None:
        """Wait for the farewell."""
        self._ended = True
        self._told.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        reachable = True
        while not self._ended:
            self._told.clear()
            try:
                self._beat()
                reachable = True
            except BROKER_ERRORS as error:
                if reachable:
                    _log.warning("The broker takes no heartbeat: %s", error)
                reachable = False
            if not self._ended:
                self._told.wait(BEAT_S)
        for sign in self._signs:
            with suppress(*BROKER_ERRORS):
                sign.farewell()

    def _beat(self) -> None:
        self.read_clock()
        now_s = self._clock.now_s()
        for sign in self._signs:
            sign.beat(now_s, leaving=self._leaving)
        for key, decode in _DECODERS.items():
            self._sweep(key, decode, now_s)

    def _sweep(self, key: str, decode: Callable[[bytes], Any], now_s: float) -> None:
        others = cast("Mapping[bytes, bytes]", self._broker.hgetall(key))
        forgotten = [name for name, text in others.items() if _is_forgotten(text, decode, now_s)]
        with self._broker.pipeline(transaction=False) as pipeline:
            pipeline.expire(key, _FORGOTTEN_S)
            if forgotten:
                pipeline.hdel(key, *forgotten)
            pipeline.execute()


def _is_forgotten(text: bytes, decode: Callable[[bytes], Any], now_s: float) -> bool:
    try:
        return bool(decode(text).at_s < now_s - _FORGOTTEN_S)
    except WinnowError:
        # Another version's: it knows how long its own are kept.
        return False
