"""Commands to a Redis that may be away, and that no query waits for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.errors import InvalidInput

T = TypeVar("T")

# More than a process ever has under way: running out would look like a Redis that is down.
_MAX_CONNECTIONS = 4_096

LONGEST_S = 2.0
"""What a socket waits at most, whoever waits for it."""

# TimeoutError is an OSError; the last two come of a peer that speaks another protocol.
FAILURES = (RedisError, OSError, EOFError, ValueError)


class Tries:
    """Bounds what a dead or hung Redis costs: one command its timeout, every pause.

    A command takes at most ``timeout_s``, connecting included. After one that failed Redis
    is left alone for ``pause_s``, then one command tries it and the others still go
    without.
    """

    def __init__(self, timeout_s: float, pause_s: float) -> None:
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._paused_until = 0.0

    async def run(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """A command's reply, or None where Redis is left alone or fails in time."""
        now = time.monotonic()
        if now < self._paused_until:
            return None
        if self._paused_until:
            # The one that tries: whoever comes meanwhile goes without.
            self._paused_until = now + self._timeout_s + self._pause_s
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await command()
        except FAILURES:
            self._paused_until = time.monotonic() + self._pause_s
            return None
        self._paused_until = 0.0
        return reply

    def resume(self) -> None:
        """Redis has just answered somebody else."""
        self._paused_until = 0.0


def pool_of(url: str) -> ConnectionPool:
    """Connections that are made when needed and tried once.

    Raises:
        InvalidInput: the URL is not one of Redis.
    """
    try:
        return ConnectionPool.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            socket_timeout=LONGEST_S,
            socket_connect_timeout=LONGEST_S,
            # Neither tries twice: the time of a second try is the query's.
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise InvalidInput(
            f"WINNOW_CACHE_URL is not a Redis URL such as redis://host:6379/0: {error}"
        ) from None
