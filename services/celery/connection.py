"""Plain connections to the broker: for replies and heartbeats, which Celery has no say in."""

from collections.abc import Awaitable
from typing import cast

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.errors import InvalidInput

# Where workers say that they live: a hash of worker to heartbeat.
WORKERS_KEY = "winnow.rerank.workers"
INGEST_WORKERS_KEY = "winnow.ingest.workers"
# Tasks that a worker has in hand, by their ids.
CLAIMS_KEY = "winnow.ingest.claims"
# The channel of whoever hands out a collection's tasks.
LEADER_PREFIX = "winnow.ingest.leader."
# A hash for each generation: how often an attempt at a version of a document failed.
ATTEMPTS_PREFIX = "winnow.ingest.attempts."
# Replies go nowhere else, whatever a planted task asks for.
REPLIES_PREFIX = "winnow.replies."

BROKER_ERRORS = (redis.RedisError, OSError)


def connect(url: str, timeout_s: float) -> redis.Redis:
    """A thread-safe client that gives up after ``timeout_s`` and does not try again."""
    check_url(url)
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


def connect_async(url: str, timeout_s: float) -> redis.asyncio.Redis:
    """The same on an event loop, with one connection."""
    check_url(url)
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=AsyncRetry(NoBackoff(), 0),
        single_connection_client=True,
    )


async def answer_of(command: object) -> object:
    """What an asynchronous command answers: redis-py types both its clients as one."""
    return await cast("Awaitable[object]", command)


def check_url(url: str) -> None:
    """Raise InvalidInput where it does not name a Redis server."""
    if not url.startswith(("redis://", "rediss://")):
        raise InvalidInput(
            "WINNOW_BROKER_URL must name a Redis server: redis://host:6379/0, or rediss:// "
            "with TLS."
        )
