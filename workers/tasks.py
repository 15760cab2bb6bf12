"""The tasks that a worker takes."""

import logging
from typing import Any

from celery import Celery
from redis import Redis

from services.celery.app import RERANK_TASK
from services.celery.codec import encode_reply
from services.celery.connection import BROKER_ERRORS, REPLIES_PREFIX
from workers.scoring import Scoring

# Replies to a process that died are swept up after this.
_REPLIES_TTL_S = 10

_log = logging.getLogger(__name__)


def register_rerank(app: Celery, scoring: Scoring, broker: Redis) -> None:
    """Let the application score passages and push the scores to who asked."""

    def rerank(task: Any, payload: str) -> None:
        """Answer one request; one that is over costs nothing."""
        channel = str(task.request.reply_to)
        if not channel.startswith(REPLIES_PREFIX):
            _log.warning("A request that wants its reply elsewhere was dropped.")
            return
        reply = scoring.answer(str(task.request.id), payload)
        if reply is None:
            return
        try:
            with broker.pipeline(transaction=False) as pipeline:
                pipeline.rpush(channel, encode_reply(reply))
                pipeline.expire(channel, _REPLIES_TTL_S)
                pipeline.execute()
        except BROKER_ERRORS as error:
            # Not tried again: whoever asked goes on without.
            _log.warning("A reply could not be sent: %s", error)

    app.task(rerank, bind=True, name=RERANK_TASK, acks_late=False, max_retries=0)
