"""The cache that several processes share, on a Redis that may evict."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.errors import BackendUnavailable, InvalidInput
from services.redis.envelope import key_digest, seal, unseal

T = TypeVar("T")

_PREFIX = "winnow:cache:"

# More than a process ever has under way: running out would look like a Redis that is down.
_MAX_CONNECTIONS = 4_096

_PING_TIMEOUT_S = 2.0

# TimeoutError is an OSError; the last two come of a peer that speaks another protocol.
_FAILURES = (RedisError, OSError, EOFError, ValueError)


class RedisCache:
    """Implements :class:`services.ports.cache.Cache`.

    A command costs at most ``timeout_s``, connecting included. After one that failed Redis
    is left alone for ``pause_s``, then one command tries it and the others still go
    without: a dead or hung Redis costs one query its timeout every ``pause_s``.
    """

    def __init__(self, url: str, *, timeout_s: float = 0.05, pause_s: float = 1.0) -> None:
        """Connects when first asked.

        Raises:
            InvalidInput: the URL is not one of Redis.
        """
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._paused_until = 0.0
        try:
            self._pool: ConnectionPool = ConnectionPool.from_url(
                url,
                max_connections=_MAX_CONNECTIONS,
                socket_timeout=_PING_TIMEOUT_S,
                socket_connect_timeout=_PING_TIMEOUT_S,
                # Neither tries twice: the time of a second try is the query's.
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise InvalidInput(
                f"WINNOW_CACHE_URL is not a Redis URL such as redis://host:6379/0: {error}"
            ) from None
        self._redis = Redis(connection_pool=self._pool)

    async def get(self, key: str) -> bytes | None:
        """The value, or None where it is absent, expired, out of reach or not ours."""
        sealed = await self._try(lambda: self._redis.get(_name(key)))
        if sealed is None:
            return None
        value = unseal(key, sealed)
        if value is None:
            # The reply may belong to another command, and so may all that follow it.
            await self._pool.disconnect(inuse_connections=False)
        return value

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for at most ``ttl_s`` seconds."""
        lifetime_ms = int(ttl_s * 1_000)
        if lifetime_ms < 1:
            await self._try(lambda: self._redis.delete(_name(key)))
        else:
            sealed = seal(key, value)
            await self._try(lambda: self._redis.set(_name(key), sealed, px=lifetime_ms))

    async def ping(self) -> None:
        """Raise BackendUnavailable where Redis does not answer."""
        try:
            async with asyncio.timeout(_PING_TIMEOUT_S):
                await self._redis.ping()
        except _FAILURES as error:
            raise BackendUnavailable(
                f"The cache's Redis does not answer ({_reason(error)}). Searches go on without "
                "it; check WINNOW_CACHE_URL and that the server runs."
            ) from error
        self._paused_until = 0.0

    async def close(self) -> None:
        """Close every connection; what is kept stays for the other processes."""
        await self._redis.aclose()
        await self._pool.aclose()

    async def _try(self, command: Callable[[], Awaitable[T]]) -> T | None:
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
        except _FAILURES:
            self._paused_until = time.monotonic() + self._pause_s
            return None
        self._paused_until = 0.0
        return reply


def _name(key: str) -> str:
    return _PREFIX + key_digest(key).hex()


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
