"""The cache on a real Redis: the port's rules, a Redis that fails, bytes that are not ours."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.assembly import open_services
from services.errors import BackendUnavailable, InvalidInput
from services.redis import RedisCache
from services.settings import Settings
from tests.cache.conformance import CacheConformance
from tests.servers.redis import RedisServer, redis_server, shared_redis

__all__ = ["redis_server", "shared_redis"]

pytestmark = pytest.mark.servers

# Wide enough for a busy machine; what a test waits for is far wider.
PATIENT_S = 5.0
SOON_S = 15.0


@asynccontextmanager
async def connected(
    server: RedisServer, *, timeout_s: float = PATIENT_S, pause_s: float = 0.05
) -> AsyncIterator[RedisCache]:
    """A cache on a server, closed at the end."""
    cache = RedisCache(server.url, timeout_s=timeout_s, pause_s=pause_s)
    try:
        yield cache
    finally:
        await cache.close()


@asynccontextmanager
async def raw(server: RedisServer) -> AsyncIterator[Redis]:
    """A client that sees what the cache writes."""
    client = Redis.from_url(server.url)
    try:
        yield client
    finally:
        await client.aclose()


async def until_kept(cache: RedisCache) -> None:
    """Wait until the cache works."""
    async with asyncio.timeout(SOON_S):
        while True:
            await cache.set("probe", b"value", 60)
            if await cache.get("probe") == b"value":
                return
            await asyncio.sleep(0.02)


class TestRedisCache(CacheConformance):
    """Redis behind the port."""

    @pytest.fixture
    async def cache(self, shared_redis: RedisServer) -> AsyncIterator[RedisCache]:
        """A cache on an emptied server."""
        async with raw(shared_redis) as client:
            await client.flushall()
        async with connected(shared_redis) as cache:
            yield cache


async def test_processes_share_it(shared_redis: RedisServer) -> None:
    """What one keeps another finds, and closing the one forgets nothing."""
    async with connected(shared_redis) as first:
        await first.set("shared", b"value", 60)
    async with connected(shared_redis) as second:
        assert await second.get("shared") == b"value"


async def test_many_at_once_get_their_own(shared_redis: RedisServer) -> None:
    """Two hundred concurrent reads, half of them given up on the way."""
    async with connected(shared_redis) as cache:
        keys = [f"key {n}" for n in range(200)]
        await asyncio.gather(*(cache.set(key, key.encode(), 60) for key in keys))
        reads = [asyncio.create_task(cache.get(key)) for key in keys]
        await asyncio.sleep(0)
        for read in reads[::2]:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
        again = await asyncio.gather(*(cache.get(key) for key in keys))
        assert again == [key.encode() for key in keys]


async def test_a_killed_server_is_an_empty_cache(redis_server: RedisServer) -> None:
    """Nothing raises but the ping; once it is back, so is the cache."""
    async with connected(redis_server) as cache:
        await cache.set("key", b"value", 60)
        redis_server.kill()
        assert await cache.get("key") is None
        await cache.set("key", b"value", 60)
        with pytest.raises(BackendUnavailable, match="WINNOW_CACHE_URL"):
            await cache.ping()
        redis_server.start()
        await until_kept(cache)
        assert await cache.get("key") is None
        await cache.ping()


async def test_a_hung_server_costs_its_timeout_once_a_pause(redis_server: RedisServer) -> None:
    """Of a hundred reads at a stopped server one waits, the others go without."""
    async with connected(redis_server, timeout_s=0.2, pause_s=60) as cache:
        await until_kept(cache)
        redis_server.hang()
        assert await cache.get("probe") is None
        start = time.monotonic()
        for _ in range(100):
            assert await cache.get("probe") is None
            await cache.set("probe", b"other", 60)
        assert time.monotonic() - start < 200 * 0.2 / 4  # each waiting would take 40 s
        redis_server.resume()


async def test_a_server_that_resumes_is_used_again(redis_server: RedisServer) -> None:
    """Without a restart, and with no reply of the time before."""
    async with connected(redis_server, timeout_s=0.3) as cache:
        await until_kept(cache)
        await cache.set("other", b"another's value", 60)
        redis_server.hang()
        assert await cache.get("other") is None
        with pytest.raises(BackendUnavailable):
            await cache.ping()
        redis_server.resume()
        await until_kept(cache)


async def test_while_one_tries_the_others_go_without(redis_server: RedisServer) -> None:
    """After the pause a single command asks the hung server."""
    async with connected(redis_server, timeout_s=0.3, pause_s=0.01) as cache:
        await until_kept(cache)
        redis_server.hang()
        await cache.get("probe")
        await asyncio.sleep(0.05)
        start = time.monotonic()
        trying = asyncio.create_task(cache.get("probe"))
        await asyncio.sleep(0)
        assert await cache.get("probe") is None
        assert not trying.done()
        assert await trying is None
        assert time.monotonic() - start >= 0.25
        redis_server.resume()


async def test_a_foreign_value_under_our_key_is_not_served(shared_redis: RedisServer) -> None:
    """Another program's bytes, ours cut short, ours with one bit changed, another type."""
    async with raw(shared_redis) as client, connected(shared_redis) as cache:
        await client.flushall()
        await cache.set("key", b"value", 60)
        (name,) = await client.keys("*")
        genuine = await client.get(name)
        altered = genuine[:-1] + bytes([genuine[-1] ^ 1])
        for foreign in (b"", b"value", b"x" * 1_000, genuine[:-1], genuine + b"x", altered):
            await client.set(name, foreign)
            assert await cache.get("key") is None
        await client.delete(name)
        await client.rpush(name, "a list")
        assert await cache.get("key") is None
        await client.set(name, genuine)
        await until_kept(cache)
        assert await cache.get("key") == b"value"


async def test_a_value_under_another_key_is_not_served(shared_redis: RedisServer) -> None:
    """Two genuine values that changed places, as a crossed reply would bring them."""
    async with raw(shared_redis) as client, connected(shared_redis) as cache:
        await client.flushall()
        await cache.set("a", b"answer of a", 60)
        await cache.set("b", b"answer of b", 60)
        first, second = await client.keys("*")
        await client.rename(first, "aside")
        await client.rename(second, first)
        await client.rename("aside", second)
        assert await cache.get("a") is None
        assert await cache.get("b") is None


async def test_a_peer_that_is_no_redis_is_an_empty_cache() -> None:
    """Whatever it says."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"$nonsense\r\n\xff\xfe\r\nHTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        cache = RedisCache(f"redis://127.0.0.1:{port}/0", timeout_s=PATIENT_S, pause_s=0)
        for _ in range(3):
            assert await cache.get("key") is None
            await cache.set("key", b"value", 60)
        with pytest.raises(BackendUnavailable):
            await cache.ping()
        await cache.close()


async def test_the_settings_lead_to_the_server(tmp_path: Path, shared_redis: RedisServer) -> None:
    """Two sets of services, as of two processes, share what is kept."""

    def settings(name: str) -> Settings:
        models = {"bi_encoder": "", "cross_encoder": ""}
        url = shared_redis.url
        return Settings(data_dir=tmp_path / name, cache_url=url, cache_timeout_ms=5_000, **models)

    async with open_services(settings("a")) as first, open_services(settings("b")) as second:
        await first.cache.set("of both", b"value", 60)
        assert await second.cache.get("of both") == b"value"
        await second.cache.ping()


def test_a_url_that_is_not_of_redis_is_refused() -> None:
    """With the setting's name."""
    with pytest.raises(InvalidInput, match="WINNOW_CACHE_URL"):
        RedisCache("http://127.0.0.1:6379")
