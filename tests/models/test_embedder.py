"""The bi-encoder behind an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from services.errors import BackendUnavailable
from services.models.embedder import InProcessEmbedder
from services.models.hashing import HashingBiEncoder
from services.ports.models import Encoded, Passage

PASSAGES = [Passage(f"passage number {number} " + "word " * number) for number in range(300)]


class GatedEncoder(HashingBiEncoder):
    """A hashing encoder that notes what runs, and waits at a gate before each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.at_the_gate = threading.Event()
        self.ran: list[str] = []

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Note the queries of one pass."""
        self.ran.append(f"queries {len(queries)}")
        return super().encode_queries(queries)

    def encode_passages(self, passages: Sequence[Passage]) -> Encoded:
        """Wait to be let through."""
        self.at_the_gate.set()
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


async def test_queries_go_first(gated: tuple[InProcessEmbedder, GatedEncoder]) -> None:
    """A query waits for one batch of passages, not for all of them."""
    embedder, encoder = gated
    passages = asyncio.create_task(embedder.embed_passages(PASSAGES))
    await asyncio.to_thread(encoder.at_the_gate.wait, 30)
    queries = [asyncio.create_task(embedder.embed_query(f"query {n}")) for n in range(5)]
    await asyncio.sleep(0)  # each of them has now joined the queue
    encoder.gate.release()
    await asyncio.gather(*queries)
    assert encoder.ran == ["passages", "queries 5"]
    encoder.gate.release(1_000)
    assert len((await passages).vectors) == len(PASSAGES)


async def test_a_query_is_embedded_once(gated: tuple[InProcessEmbedder, GatedEncoder]) -> None:
    """The second time its vector comes from memory."""
    embedder, encoder = gated
    first = await embedder.embed_query("again")
    second = await embedder.embed_query("again")
    assert encoder.ran == ["queries 1"]
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert first.vectors.shape == (1, 64)


async def test_who_gives_up_costs_nothing(gated: tuple[InProcessEmbedder, GatedEncoder]) -> None:
    """A query whose deadline passes in the queue never reaches the model."""
    embedder, encoder = gated
    passages = asyncio.create_task(embedder.embed_passages(PASSAGES[:1]))
    await asyncio.to_thread(encoder.at_the_gate.wait, 30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(embedder.embed_query("late"), 0.05)
    encoder.gate.release()
    await passages
    await embedder.embed_query("in time")
    assert encoder.ran == ["passages", "queries 1"]


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
