"""Rate limits that several processes share, beside the cache: what is evicted was idle."""

from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool

from services.embedded.rates import MemoryRates, Windows
from services.ports.rates import Rate
from services.redis.tries import Tries, pool_of

_PREFIX = "winnow:rates"


class RedisRates:
    """Implements :class:`services.ports.rates.RateLimiter` on Redis.

    While Redis is away each process counts for itself.
    """

    def __init__(self, url: str, *, timeout_s: float = 0.05, pause_s: float = 1.0) -> None:
        """Connects when first asked.

        Raises:
            InvalidInput: the URL is not one of Redis.
        """
        self._tries = Tries(timeout_s, pause_s)
        self._pool: ConnectionPool = pool_of(url)
        self._own = MemoryRates()
        self._windows = Windows(
            RedisStorage(
                url,
                implementation="redispy",
                key_prefix=_PREFIX,
                connection_pool=self._pool,  # type: ignore[arg-type]  # documented, untyped
            )
        )

    async def take(self, rate: Rate, member: str) -> float:
        """Count a request; 0.0 or the seconds to wait."""
        wait_s = await self._tries.run(lambda: self._windows.take(rate, member))
        return await self._own.take(rate, member) if wait_s is None else wait_s

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
