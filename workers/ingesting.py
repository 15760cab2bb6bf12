"""Does tasks of ingestion that came through the broker, by what this process ingests with."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from redis import Redis

from services.celery.codec import (
    Claim,
    Failed,
    Ingested,
    IngestRequest,
    Reply,
    decode_ingest_request,
)
from services.celery.connection import BROKER_ERRORS, LEADER_PREFIX
from services.errors import WinnowError
from services.ports.ingestion import IngestResult, IngestTask
from services.settings import Settings
from workers.claims import Claims
from workers.loop import LoopThread
from workers.turns import Turns

# One computes while the other reads or writes.
TASKS_AT_ONCE = 2

_log = logging.getLogger(__name__)


class Performer(Protocol):
    """What a process ingests with; lives on an event loop."""

    @property
    def described(self) -> str:
        """With which model, on which device, in words."""

    async def perform(self, task: IngestTask) -> IngestResult:
        """Cut, embed and write; raises a WinnowError where it cannot be done for now."""


OpenPerformer = Callable[[Settings], AbstractAsyncContextManager[Performer]]


class Ingesting:
    """Called from many threads at once."""

    def __init__(
        self, performer: Performer, loop: LoopThread, claims: Claims, broker: Redis
    ) -> None:
        self._performer = performer
        self._loop = loop
        self._claims = claims
        self._broker = broker
        self._turns = Turns(TASKS_AT_ONCE)

    def answer(self, task_id: str, payload: str, channel: str) -> Reply | None:
        """Do a task; None where nobody waits for it, or where it cannot be claimed.

        A task that is dropped is not lost: its documents stay pending in the ledger.
        """
        try:
            request = decode_ingest_request(payload)
        except WinnowError as error:
            return Failed(id=task_id, slug=error.slug, detail=error.detail)
        try:
            if self._is_led_elsewhere(request, channel):
                return None
            return self._claimed(task_id, request.task)
        except BROKER_ERRORS as error:
            _log.warning("A task was dropped, since the broker does not answer: %s", error)
            return None

    def _is_led_elsewhere(self, request: IngestRequest, channel: str) -> bool:
        """Whether another process hands out the collection's tasks by now."""
        leader = self._broker.get(f"{LEADER_PREFIX}{request.task.collection}")
        return leader is not None and leader != channel.encode()

    def _claimed(self, task_id: str, task: IngestTask) -> Reply:
        claim = Claim(
            worker=self._claims.worker,
            generation=task.generation,
            documents=task.documents,
            begun=False,
        )
        self._claims.take(task_id, claim)
        with self._turns.turn(alone=task.alone):
            self._claims.begin(task_id)
            return self._performed(task_id, task)

    def _performed(self, task_id: str, task: IngestTask) -> Reply:
        """The reply, whatever happens: the worker outlives every task that lets it."""
        started_s = time.monotonic()
        try:
            result = self._loop.run(self._performer.perform(task))
        except WinnowError as error:
            return Failed(id=task_id, slug=error.slug, detail=error.detail)
        except Exception as error:  # noqa: BLE001  # who handed it out tries again
            _log.exception("A task of ingestion failed")
            detail = f"{type(error).__name__}: {str(error)[:500]}"
            return Failed(id=task_id, slug=WinnowError.slug, detail=detail)
        self._claims.worked(result.chunks, time.monotonic() - started_s)
        return Ingested(id=task_id, result=result)

    def finish(self, task_id: str) -> None:
        """Let go of a task whose reply was sent; an error of the broker's is the caller's."""
        self._claims.finish(task_id)
