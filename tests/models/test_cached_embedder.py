"""Query vectors through a cache: the same to the bit, and nobody else's ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedded.cache import MemoryCache
from services.models.cached_embedder import CachedEmbedder
from services.models.embedder import InProcessEmbedder
from services.models.hashing import HashingBiEncoder
from services.models.query_vectors import dump, load
from services.ports.models import Encoded, Passage


class CountingEncoder(HashingBiEncoder):
    """Notes the queries that reach the model."""

    def __init__(self, token_dimensions: int = 8) -> None:
        super().__init__(token_dimensions=token_dimensions)
        self.queries: list[str] = []

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Note them."""
        self.queries += queries
        return super().encode_queries(queries)


class Process:
    """One of several processes that share a cache."""

    def __init__(self, cache: MemoryCache, token_dimensions: int = 8) -> None:
        self.encoder = CountingEncoder(token_dimensions)
        self.embedder = CachedEmbedder(InProcessEmbedder(self.encoder), cache)


@pytest.fixture
async def cache() -> AsyncIterator[MemoryCache]:
    """An empty one."""
    cache = MemoryCache(2**20)
    yield cache
    await cache.close()


def same(one: Encoded, other: Encoded) -> bool:
    """Whether two are equal to the bit."""
    pairs = [(one.vectors, other.vectors)]
    for mine, theirs in ((one.tokens, other.tokens), (one.offsets, other.offsets)):
        assert (mine is None) == (theirs is None)
        pairs += zip(mine or (), theirs or (), strict=True)  # type: ignore[arg-type]  # arrays
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


async def test_what_one_process_computed_the_others_need_not(cache: MemoryCache) -> None:
    """The second model never runs, and neither does the first again."""
    first, second = Process(cache), Process(cache)
    computed = await first.embedder.embed_query("ebb and flow")
    await asyncio.sleep(0)  # it is shared beside the search, not before its end
    found = await second.embedder.embed_query("ebb and flow")
    assert same(computed, found)
    assert (first.encoder.queries, second.encoder.queries) == (["ebb and flow"], [])
    await cache.close()
    assert same(await second.embedder.embed_query("ebb and flow"), computed)
    assert second.encoder.queries == []
    for process in (first, second):
        await process.embedder.close()


async def test_encoders_that_differ_share_nothing(cache: MemoryCache) -> None:
    """The key is the whole fingerprint."""
    first, second = Process(cache, 8), Process(cache, 0)
    await first.embedder.embed_query("ebb")
    assert (await second.embedder.embed_query("ebb")).tokens is None
    assert second.encoder.queries == ["ebb"]
    for process in (first, second):
        await process.embedder.close()


async def test_a_value_that_is_none_of_its_is_computed_again() -> None:
    """Whatever the cache gives, the answer is the model's."""

    class Foreign(MemoryCache):
        async def get(self, key: str) -> bytes | None:
            return b"WNQ1 but not a vector"

    process = Process(Foreign(2**20))
    expected = process.encoder.encode_queries(["ebb"])
    assert same(await process.embedder.embed_query("ebb"), expected)
    passages = await process.embedder.embed_passages([Passage("flow")])
    assert passages.vectors.shape == (1, expected.vectors.shape[1])
    await process.embedder.close()


@given(st.text(max_size=60), st.sampled_from([0, 8]))
def test_bytes_and_back(query: str, token_dimensions: int) -> None:
    """Nothing is lost, with tokens and without."""
    encoder = HashingBiEncoder(token_dimensions=token_dimensions)
    encoded = encoder.encode_queries([query])
    found = load(dump(encoded), encoder.fingerprint)
    assert found is not None
    assert same(found, encoded)


@given(st.binary(max_size=40), st.integers(0, 400))
def test_damaged_bytes_are_no_vectors(tail: bytes, cut: int) -> None:
    """Cut short, lengthened, or another encoder's: None, and never an error."""
    encoder = HashingBiEncoder(token_dimensions=8)
    whole = dump(encoder.encode_queries(["ebb and flow"]))
    for raw in (whole[: min(cut, len(whole) - 1)], whole + b"x" + tail, tail):
        assert load(raw, encoder.fingerprint) is None
    assert load(whole, HashingBiEncoder().fingerprint) is None
    broken = np.frombuffer(whole, np.uint8).copy()
    broken[16:20] = np.frombuffer(np.float32("nan").tobytes(), np.uint8)
    assert load(broken.tobytes(), encoder.fingerprint) is None
