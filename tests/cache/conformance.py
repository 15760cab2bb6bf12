"""What every cache does: an adapter's test class inherits it and gives ``cache``."""

import asyncio

import pytest

from services.ports.cache import Cache


class CacheConformance:
    """Override the fixture ``cache``: empty, with room for at least 100 kB."""

    @pytest.fixture
    async def cache(self) -> Cache:
        """The adapter under test."""
        raise NotImplementedError

    async def test_keeps_what_it_is_given(self, cache: Cache) -> None:
        """Any key, any bytes; a second value replaces the first."""
        for key in ("key", "", "é \U0001f600\n", "k" * 1_000):
            assert await cache.get(key) is None
            await cache.set(key, b"\x00first", 60)
            await cache.set(key, b"second\xff", 60)
            assert await cache.get(key) == b"second\xff"
        await cache.ping()

    async def test_forgets_in_time(self, cache: Cache) -> None:
        """A value is gone after its time to live, or at once where that is nothing."""
        await cache.set("short", b"value", 0.05)
        await cache.set("long", b"value", 60)
        await cache.set("none", b"value", 0)
        await asyncio.sleep(0.2)
        assert await cache.get("short") is None
        assert await cache.get("none") is None
        assert await cache.get("long") == b"value"

    async def test_a_value_of_no_time_replaces(self, cache: Cache) -> None:
        """What is set for no time is not kept, and neither is what stood before."""
        await cache.set("key", b"old", 60)
        await cache.set("key", b"new", 0)
        assert await cache.get("key") is None
