"""The bi-encoder behind an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from services.errors import BackendUnavailable
from services.models.embedder import InProcessEmbedder
from services.models.hashing import HashingBiEncoder
from services.ports.models import Encoded, Passage, Passes

PASSAGES = [Passage(f"passage number {number} " + "word " * number) for number in range(300)]


class GatedEncoder(HashingBiEncoder):
    """A hashing encoder that notes what runs, and waits at a gate before each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.at_the_gate = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.ran: list[str] = []

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Note the queries of one pass, then wait where queries are held up."""
        self.ran.append(f"queries {len(queries)}")
        self.asked.release()
        assert self.open.wait(timeout=30)
        return super().encode_queries(queries)

    def encode_passages(self, passages: Sequence[Passage]) -> Encoded:
        """Wait to be let through."""
        self.at_the_gate.release()
        assert self.gate.acquire(timeout=30)
        self.ran.append("passages")
        return super().encode_passages(passages)


@pytest.fixture
async def gated() -> AsyncIterator[tuple[InProcessEmbedder, GatedEncoder]]:
    """An embedder whose passes are let through one by one."""
    encoder = GatedEncoder()
    embedder = InProcessEmbedder(encoder)
    yield embedder, encoder
    encoder.gate.release(1_000)
    await embedder.close()


async def test_passages_keep_their_order() -> None:
    """Batches by length, answers by place; tokens and offsets with them."""
    encoder = HashingBiEncoder(token_dimensions=8)
    embedder = InProcessEmbedder(encoder)
    encoded = await embedder.embed_passages(PASSAGES)
    expected = encoder.encode_passages(PASSAGES)
    np.testing.assert_allclose(encoded.vectors, expected.vectors, atol=1e-6)
    assert encoded.tokens is not None
    assert expected.tokens is not None
    assert [len(tokens) for tokens in encoded.tokens] == [len(tokens) for tokens in expected.tokens]
    assert encoded.offsets is not None
    await embedder.close()


async def test_no_passages_are_no_work() -> None:
    """An empty list comes back at once."""
    embedder = InProcessEmbedder(HashingBiEncoder())
    assert (await embedder.embed_passages([])).vectors.shape == (0, 64)
    await embedder.close()


async def test_queries_wait_for_no_passage(gated: tuple[InProcessEmbedder, GatedEncoder]) -> None:
    """They are answered while passages are at it; those that wait together share a pass."""
    embedder, encoder = gated
    passages = asyncio.create_task(embedder.embed_passages(PASSAGES))
    await asyncio.to_thread(encoder.at_the_gate.acquire, True, 30)
    encoder.open.clear()
    queries = [asyncio.create_task(embedder.embed_query("query 0"))]
    await asyncio.to_thread(encoder.asked.acquire, True, 30)
    queries += [asyncio.create_task(embedder.embed_query(f"query {n}")) for n in range(1, 5)]
    await asyncio.sleep(0)  # each of them has now joined the queue
    encoder.open.set()
    for answer in await asyncio.gather(*queries):
        assert answer.vectors.shape == (1, 64)
    assert encoder.ran == ["queries 1", "queries 4"]
    encoder.gate.release(1_000)
    assert len((await passages).vectors) == len(PASSAGES)


async def test_as_many_passes_run_at_once_as_the_model_asks_for() -> None:
    """Two of them, and no third."""
    encoder = GatedEncoder()
    encoder.passes = Passes(at_once=2, tokens=64)
    embedder = InProcessEmbedder(encoder)
    passages = asyncio.create_task(embedder.embed_passages(PASSAGES))
    for _ in range(2):
        assert await asyncio.to_thread(encoder.at_the_gate.acquire, True, 30)
    assert not await asyncio.to_thread(encoder.at_the_gate.acquire, True, 0.05)
    encoder.gate.release(1_000)
    assert len((await passages).vectors) == len(PASSAGES)
    await embedder.close()


async def test_a_query_is_embedded_once(gated: tuple[InProcessEmbedder, GatedEncoder]) -> None:
    """The second time its vector comes from memory."""
    embedder, encoder = gated
    first = await embedder.embed_query("again")
    second = await embedder.embed_query("again")
    assert encoder.ran == ["queries 1"]
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert first.vectors.shape == (1, 64)


async def test_who_gives_up_costs_nothing(gated: tuple[InProcessEmbedder, GatedEncoder]) -> None:
    """What nobody waits for when its turn comes never reaches the model."""
    embedder, encoder = gated
    first = asyncio.create_task(embedder.embed_passages(PASSAGES[:1]))
    await asyncio.to_thread(encoder.at_the_gate.acquire, True, 30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(embedder.embed_passages(PASSAGES[1:2]), 0.05)
    encoder.gate.release(1_000)
    await first
    await embedder.embed_passages(PASSAGES[2:3])
    assert encoder.ran == ["passages", "passages"]


async def test_errors_reach_the_caller() -> None:
    """And the next request is served."""

    class Failing(HashingBiEncoder):
        def encode_queries(self, queries: Sequence[str]) -> Encoded:
            if "bad" in queries:
                raise ValueError("bad")
            return super().encode_queries(queries)

    embedder = InProcessEmbedder(Failing())
    with pytest.raises(ValueError, match="bad"):
        await embedder.embed_query("bad")
    assert (await embedder.embed_query("good")).vectors.shape == (1, 64)
    await embedder.close()


async def test_a_closed_embedder_refuses() -> None:
    """Closing twice is harmless."""
    embedder = InProcessEmbedder(HashingBiEncoder())
    await embedder.close()
    await embedder.close()
    with pytest.raises(BackendUnavailable):
        await embedder.embed_query("anything")
