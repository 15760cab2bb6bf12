"""Rate limits on a real Redis, alive, dead and hung."""

import time
from collections.abc import AsyncIterator

import pytest

from services.errors import InvalidInput
from services.ports.rates import Rate
from services.redis.rates import RedisRates
from tests.rates.conformance import RateLimiterConformance
from tests.servers.redis import RedisServer, redis_server

__all__ = ["redis_server"]

pytestmark = pytest.mark.servers

PATIENT_S = 5.0
LATE_S = 3.0


class TestRedisRates(RateLimiterConformance):
    """The port's rules."""

    @pytest.fixture
    async def limiter(self, redis_server: RedisServer) -> AsyncIterator[RedisRates]:
        """On a server of its own."""
        limiter = RedisRates(redis_server.url, timeout_s=PATIENT_S)
        yield limiter
        await limiter.close()


async def test_processes_share_a_rate(redis_server: RedisServer) -> None:
    """Two limiters on one server count together."""
    one, other = (RedisRates(redis_server.url, timeout_s=PATIENT_S) for _ in range(2))
    rate = Rate("key", 2)
    assert await one.take(rate, "k") == 0.0
    assert await other.take(rate, "k") == 0.0
    assert await one.take(rate, "k") > 0.0
    await one.close()
    await other.close()


@pytest.mark.parametrize("hang", [True, False])
async def test_while_redis_is_away_each_process_counts(
    redis_server: RedisServer, hang: bool
) -> None:
    """Dead or hung it costs its timeout once, and nobody asks without limit."""
    limiter = RedisRates(redis_server.url, timeout_s=0.05, pause_s=60.0)
    rate = Rate("address", 3)
    if hang:
        redis_server.hang()
    else:
        redis_server.kill()
    began_s = time.monotonic()
    waits = [await limiter.take(rate, "a") for _ in range(4)]
    assert time.monotonic() - began_s < LATE_S
    assert waits[:3] == [0.0] * 3
    assert waits[3] > 0.0
    if hang:
        redis_server.resume()
    await limiter.close()


def test_a_url_that_is_not_of_redis_is_refused() -> None:
    """With the setting's name."""
    with pytest.raises(InvalidInput, match="WINNOW_CACHE_URL"):
        RedisRates("http://127.0.0.1:1")
