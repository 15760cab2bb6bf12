"""The cache that several processes share, on a Redis that may evict."""

import asyncio

from redis.asyncio import ConnectionPool, Redis

from services.errors import BackendUnavailable
from services.redis.envelope import key_digest, seal, unseal
from services.redis.tries import FAILURES, LONGEST_S, Tries, pool_of

_PREFIX = "winnow:cache:"


class RedisCache:
    """Implements :class:`services.ports.cache.Cache`.

    A Redis that is away costs what :class:`services.redis.tries.Tries` allows.
    """

    def __init__(self, url: str, *, timeout_s: float = 0.05, pause_s: float = 1.0) -> None:
        """Connects when first asked.

        Raises:
            InvalidInput: the URL is not one of Redis.
        """
        self._tries = Tries(timeout_s, pause_s)
        self._pool: ConnectionPool = pool_of(url)
        self._redis = Redis(connection_pool=self._pool)

    async def get(self, key: str) -> bytes | None:
        """The value, or None where it is absent, expired, out of reach or not ours."""
        sealed = await self._tries.run(lambda: self._redis.get(_name(key)))
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
            await self._tries.run(lambda: self._redis.delete(_name(key)))
        else:
            sealed = seal(key, value)
            await self._tries.run(lambda: self._redis.set(_name(key), sealed, px=lifetime_ms))

    async def ping(self) -> None:
        """Raise BackendUnavailable where Redis does not answer."""
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._redis.ping()
        except FAILURES as error:
            raise BackendUnavailable(
                f"The cache's Redis does not answer ({_reason(error)}). Searches go on without "
                "it; check WINNOW_CACHE_URL and that the server runs."
            ) from error
        self._tries.resume()

    async def close(self) -> None:
        """Close every connection; what is kept stays for the other processes."""
        await self._redis.aclose()
        await self._pool.aclose()


def _name(key: str) -> str:
    return _PREFIX + key_digest(key).hex()


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
