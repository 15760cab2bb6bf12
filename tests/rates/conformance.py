"""The rules of the rate limiter's port, for any adapter."""

import asyncio

from services.ports.rates import Rate, RateLimiter


class RateLimiterConformance:
    """Subclasses give a ``limiter`` fixture: an adapter that nobody has asked before."""

    async def test_a_rate_is_used_up(self, limiter: RateLimiter) -> None:
        """So many go on; the next is told how long to wait."""
        rate = Rate("address", 5)
        assert [await limiter.take(rate, "a") for _ in range(5)] == [0.0] * 5
        wait_s = await limiter.take(rate, "a")
        assert 1.0 <= wait_s <= 60.0

    async def test_members_and_groups_do_not_meet(self, limiter: RateLimiter) -> None:
        """One that asks too often costs no other."""
        address, key = Rate("address", 1), Rate("key", 1)
        assert await limiter.take(address, "a") == 0.0
        assert await limiter.take(address, "a") > 0.0
        assert await limiter.take(address, "b") == 0.0
        assert await limiter.take(key, "a") == 0.0

    async def test_callers_at_once_share_a_rate(self, limiter: RateLimiter) -> None:
        """Exactly as many go on as the rate says."""
        rate = Rate("address", 7)
        waits = await asyncio.gather(*(limiter.take(rate, "c") for _ in range(20)))
        assert waits.count(0.0) == 7
