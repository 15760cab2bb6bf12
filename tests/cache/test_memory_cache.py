"""The cache of one process: the port's rules, and its bound."""

from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.embedded.cache import MemoryCache
from tests.cache.conformance import CacheConformance

_KEYS = st.sampled_from("abcdef")


class TestMemoryCache(CacheConformance):
    """Memory behind the port."""

    @pytest.fixture
    async def cache(self) -> MemoryCache:
        """A cache of a megabyte."""
        return MemoryCache(2**20)


async def test_the_least_recently_used_leaves_first() -> None:
    """Reading counts as use."""
    cache = MemoryCache(1_000)
    for key in "abc":
        await cache.set(key, b"x" * 100, 60)
    await cache.get("a")
    await cache.set("d", b"x" * 100, 60)
    assert [key for key in "abcd" if await cache.get(key)] == ["a", "c", "d"]


async def test_a_value_larger_than_the_cache_is_left_out() -> None:
    """It drives nothing else out; a cache of no bytes keeps nothing."""
    cache = MemoryCache(1_000)
    await cache.set("a", b"x", 60)
    await cache.set("b", b"x" * 1_000, 60)
    assert await cache.get("b") is None
    assert await cache.get("a") == b"x"
    nothing = MemoryCache(0)
    await nothing.set("a", b"", 60)
    assert await nothing.get("a") is None


async def test_close_forgets() -> None:
    """And the room is free again."""
    cache = MemoryCache(500)
    await cache.set("a", b"x" * 200, 60)
    await cache.close()
    assert await cache.get("a") is None
    await cache.set("b", b"x" * 200, 60)
    assert await cache.get("b") is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_KEYS, st.none() | st.integers(0, 900)), max_size=40))
async def test_any_calls_agree_with_the_rule(calls: list[tuple[str, int | None]]) -> None:
    """Gets (None) and sets (a size), against a list that is counted anew each time."""
    room = 2_000
    cache = MemoryCache(room)
    model: OrderedDict[str, int] = OrderedDict()
    for key, size in calls:
        if size is None:
            assert (await cache.get(key) is not None) == (key in model)
            if key in model:
                model.move_to_end(key)
            continue
        await cache.set(key, b"x" * size, 60)
        model.pop(key, None)
        model[key] = size + 1 + 200
        while sum(model.values()) > room:
            model.popitem(last=False)
