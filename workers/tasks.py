"""The tasks that a worker takes."""

import logging
from typing import Any

from celery import Celery
from redis import Redis

from services.celery.app import INGEST_TASK, RERANK_TASK
from services.celery.codec import Reply, encode_reply
from services.celery.connection import BROKER_ERRORS, REPLIES_PREFIX
from workers.ingesting import Ingesting
from workers.scoring import Scoring

# Replies to a process that died are swept up after this.
_REPLIES_TTL_S = 10

_log = logging.getLogger(__name__)


def register_rerank(app: Celery, scoring: Scoring, broker: Redis) -> None:
    """Let the application score passages and push the scores to who asked."""

    def rerank(task: Any, payload: str) -> None:
        """Answer one request; one that is over costs nothing."""
        channel = _channel(task)
        if channel is None:
            return
        reply = scoring.answer(str(task.request.id), payload)
        if reply is not None:
            _push(broker, channel, reply)

    app.task(rerank, bind=True, name=RERANK_TASK, acks_late=False, max_retries=0)


def register_ingest(app: Celery, ingesting: Ingesting, broker: Redis) -> None:
    """Let the application ingest documents and tell who handed them out.

    Acknowledged late, though nothing waits for Redis to hand an unacknowledged task to
    another worker, which takes it an hour: whoever hands out sees the worker die.
    """

    def ingest(task: Any, payload: str) -> None:
        """Do one task; however it ends, it is over."""
        channel = _channel(task)
        if channel is None:
            return
        task_id = str(task.request.id)
        reply = ingesting.answer(task_id, payload, channel)
        try:
            if reply is not None:
                _push(broker, channel, reply)
        finally:
            # After the reply: a task that nobody has counts as lost.
            _finish(ingesting, task_id)

    app.task(ingest, bind=True, name=INGEST_TASK, acks_late=True, max_retries=0)


def _finish(ingesting: Ingesting, task_id: str) -> None:
    try:
        ingesting.finish(task_id)
    except BROKER_ERRORS as error:
        _log.warning("The broker did not hear that a task is done: %s", error)


def _channel(task: Any) -> str | None:
    """Where the reply goes, None where that is nowhere that Winnow listens."""
    channel = str(task.request.reply_to)
    if channel.startswith(REPLIES_PREFIX):
        return channel
    _log.warning("A request that wants its reply elsewhere was dropped.")
    return None


def _push(broker: Redis, channel: str, reply: Reply) -> None:
    try:
        with broker.pipeline(transaction=False) as pipeline:
            pipeline.rpush(channel, encode_reply(reply))
            pipeline.expire(channel, _REPLIES_TTL_S)
            pipeline.execute()
    except BROKER_ERRORS as error:
        # Not tried again: whoever asked goes on without.
        _log.warning("A reply could not be sent: %s", error)
