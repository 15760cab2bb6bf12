"""The one connection that a process listens on: replies, heartbeats, the broker's clock."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import redis.asyncio

from services.celery.clock import BrokerClock
from services.celery.codec import (
    Heartbeat,
    IngestHeartbeat,
    Reply,
    decode_heartbeat,
    decode_ingest_heartbeat,
    decode_reply,
)
from services.celery.connection import (
    BROKER_ERRORS,
    INGEST_WORKERS_KEY,
    WORKERS_KEY,
    answer_of,
    connect_async,
)
from services.errors import WinnowError

Beat = TypeVar("Beat", Heartbeat, IngestHeartbeat)

# A heartbeat comes each second; three that are missing are a death.
LIVE_S = 3.0
_REFRESH_S = 0.5
_ANSWER_S = 1.0
_RECONNECT_S = 0.5

_log = logging.getLogger(__name__)


class Listener:
    """Reads a reply list and the workers' heartbeats until it is closed."""

    def __init__(self, broker_url: str, channel: str, on_reply: Callable[[Reply], None]) -> None:
        self._url = broker_url
        self._channel = channel
        self._on_reply = on_reply
        self._clock = BrokerClock()
        self._workers: tuple[Heartbeat, ...] = ()
        self._ingesting: tuple[IngestHeartbeat, ...] = ()
        self._first_look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._reachable = True

    @property
    def clock(self) -> BrokerClock:
        """The broker's clock as this connection knows it."""
        return self._clock

    def workers(self) -> tuple[Heartbeat, ...]:
        """The workers that rerank and live, by name; none while the broker cannot be read."""
        oldest_s = self._clock.now_s() - LIVE_S
        return tuple(worker for worker in self._workers if worker.at_s >= oldest_s)

    def ingesting(self) -> tuple[IngestHeartbeat, ...]:
        """The same of workers that ingest, whoever is silent for longer or leaves included."""
        return self._ingesting

    def distrust(self) -> None:
        """Forget the workers that rerank until the broker has answered again."""
        self._workers = ()

    async def start(self, wait_s: float) -> None:
        """Begin, and wait a little for the first look at the workers, or its failure."""
        self._task = asyncio.create_task(self._listen(), name="winnow-replies")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._first_look.wait(), wait_s)

    async def close(self) -> None:
        """End the task and the connection.

        The flag beside the cancellation: asyncio.wait_for of Python 3.11, which redis-py
        sends with, may swallow one.
        """
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._forget_workers()

    def _forget_workers(self) -> None:
        self._workers = ()
        self._ingesting = ()

    async def _listen(self) -> None:
        while not self._closing:
            client = connect_async(self._url, _ANSWER_S)
            try:
                await self._session(client)
            except Exception as error:  # noqa: BLE001  # it outlives whatever the broker says
                if self._reachable:
                    _log.warning("The broker cannot be read: %s", error)
                self._reachable = False
                self._first_look.set()
            finally:
                self._forget_workers()
                with contextlib.suppress(*BROKER_ERRORS):
                    await client.aclose()
            await asyncio.sleep(_RECONNECT_S)

    async def _session(self, client: redis.asyncio.Redis) -> None:
        """Read until the connection fails."""
        while not self._closing:
            await self._refresh(client)
            self._reachable = True
            self._first_look.set()
            next_refresh_s = time.monotonic() + _REFRESH_S
            while (left_s := next_refresh_s - time.monotonic()) > 0:
                # Redis takes a wait of 0 for forever.
                answer = await answer_of(client.blpop([self._channel], max(left_s, 0.01)))
                if answer is not None:
                    self._hear(cast("tuple[bytes, bytes]", answer)[1])

    async def _refresh(self, client: redis.asyncio.Redis) -> None:
        asked_s = time.monotonic()
        time_now = await answer_of(client.time())
        self._clock.read(cast("tuple[int, int]", time_now), asked_s, time.monotonic())
        async with client.pipeline(transaction=False) as pipeline:
            for key in (WORKERS_KEY, INGEST_WORKERS_KEY):
                pipeline.hgetall(key)
            beats, ingesting = await pipeline.execute()
        self._workers = _read_heartbeats(beats.values(), decode_heartbeat)
        self._ingesting = _read_heartbeats(ingesting.values(), decode_ingest_heartbeat)

    def _hear(self, raw: bytes) -> None:
        try:
            reply = decode_reply(raw)
        except WinnowError as error:
            _log.warning("A worker's reply was dropped: %s", error.detail)
            return
        self._on_reply(reply)


def _read_heartbeats(raw: Iterable[Any], decode: Callable[[Any], Beat]) -> tuple[Beat, ...]:
    """The heartbeats of this version, the same order each time."""
    known: list[Beat] = []
    for text in raw:
        with contextlib.suppress(WinnowError):
            known.append(decode(text))
    return tuple(sorted(known, key=lambda heartbeat: heartbeat.worker))
