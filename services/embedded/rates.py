"""Rate limits of one process."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.storage.base import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from services.ports.rates import Rate


class MemoryRates:
    """Implements :class:`services.ports.rates.RateLimiter` in memory."""

    def __init__(self) -> None:
        self._windows = Windows(MemoryStorage())

    async def take(self, rate: Rate, member: str) -> float:
        """Count a request; 0.0 or the seconds to wait."""
        return await self._windows.take(rate, member)

    async def close(self) -> None:
        """Nothing is held."""


class Windows:
    """A sliding window of a minute for each member, in whatever storage counts.

    Two counters a window: the one of the last minute counts for the part of it that is
    still within sixty seconds.
    """

    def __init__(self, storage: Storage) -> None:
        """``storage`` is one of the limits library's."""
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def take(self, rate: Rate, member: str) -> float:
        """Count a request; 0.0 or the seconds to wait."""
        item = RateLimitItemPerMinute(rate.per_minute)
        if await self._limiter.hit(item, rate.group, member):
            return 0.0
        reset_s = (await self._limiter.get_window_stats(item, rate.group, member)).reset_time
        return max(1.0, reset_s - time.time())
