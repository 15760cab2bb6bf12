"""A build gives way to searches, and loses nothing by it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.cutting import BATCH_CHUNKS
from indexer.generations.pace import Pace
from indexer.generations.yielding import (
    CHUNKS_A_BATCH,
    LONGEST_WAIT_S,
    PASSAGES_A_PASS,
    Courtesy,
    YieldingEmbedder,
)
from indexer.pipeline import Written
from services.generations import (
    ChunkerConfiguration,
    Generation,
    GenerationFingerprint,
    GenerationState,
    Speed,
)
from services.models.embedder import InProcessEmbedder
from services.models.hashing import HashingBiEncoder
from services.ports.ledger import Record
from services.ports.models import Encoded, Passage
from services.usage import Usage

LIVE = Generation(
    "books", "g1", GenerationFingerprint(None, ChunkerConfiguration(64, 8), "1"),
    GenerationState.LIVE,
)  # fmt: skip


class Counting(InProcessEmbedder):
    """Notes how many passages each call brings."""

    def __init__(self) -> None:
        """Over a model of hashed words."""
        super().__init__(HashingBiEncoder(token_dimensions=4))
        self.calls: list[int] = []

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """As given, noted."""
        self.calls.append(len(passages))
        return await super().embed_passages(passages)


def passages(count: int) -> list[Passage]:
    """Of many lengths, no two alike."""
    return [Passage("tea " * (n * 7 % 13 + 1) + f"number {n}") for n in range(count)]


async def test_vectors_come_in_the_order_of_the_passages() -> None:
    """With searches and without, for any number, tokens and offsets included."""
    inner, usage = Counting(), Usage()
    embedder = YieldingEmbedder(inner, usage)
    for count in (0, 1, 5, 70):
        plain = await inner.embed_passages(passages(count))
        for searched in (False, True):
            if searched:
                with usage.on(LIVE):
                    pass
            found = await embedder.embed_passages(passages(count))
            np.testing.assert_array_equal(found.vectors, plain.vectors)
            for mine, theirs in zip(found.tokens or (), plain.tokens or (), strict=True):
                np.testing.assert_array_equal(mine, theirs)
    await inner.close()


async def test_passes_are_small_and_wait_while_searches_run() -> None:
    """Between searches, and for ever only where they never end."""
    inner, usage = Counting(), Usage()
    embedder = YieldingEmbedder(inner, usage)
    search = usage.on(LIVE)
    search.__enter__()
    work = asyncio.create_task(embedder.embed_passages(passages(20)))
    await asyncio.sleep(LONGEST_WAIT_S / 5)
    assert inner.calls == []
    search.__exit__(None, None, None)
    await work
    assert inner.calls == [PASSAGES_A_PASS] * (20 // PASSAGES_A_PASS)
    with usage.on(LIVE):
        assert (await embedder.embed_passages(passages(3))).vectors.shape[0] == 3
    assert not usage.of(LIVE)
    await inner.close()


async def test_records_are_cut_and_written_between_searches() -> None:
    """In smaller batches than without any; none waits for ever, and none is lost."""
    usage = Usage()
    courtesy = Courtesy(usage)
    records = [Record(f"{n}", 1, None, datetime.now(UTC)) for n in range(3)]
    assert courtesy.chunks == BATCH_CHUNKS
    assert list(courtesy.between(records)) == records
    with usage.on(LIVE):
        assert courtesy.chunks == CHUNKS_A_BATCH
        cut = asyncio.create_task(asyncio.to_thread(list, courtesy.between(records)))
        gap = asyncio.create_task(courtesy.gap())
        await asyncio.sleep(LONGEST_WAIT_S / 5)
        assert not cut.done()
        assert not gap.done()
    assert await cut == records
    await gap
    with usage.on(LIVE):
        assert await asyncio.to_thread(next, courtesy.between(records)) == records[0]
        await courtesy.gap()


@given(
    batches=st.lists(st.integers(1, 500), min_size=1, max_size=20),
    rate=st.floats(0.5, 1e6),
)
def test_a_pace_owes_the_rest_that_its_speed_asks_for(batches: list[int], rate: float) -> None:
    """About as long as the documents may take, and nothing is told twice."""
    pace = Pace()
    told = 0
    for documents in batches:
        pace.begin()
        pace.add(Written(documents, 2 * documents, ()), Speed(documents_per_s=rate))
        due_s = documents / rate
        assert 0 <= pace.rest_s() <= due_s
        told += pace.take().documents
    assert told == sum(batches)
    assert pace.take().documents == 0


def test_a_share_of_the_time_is_rest_for_the_remainder() -> None:
    """At a tenth nine times as long as it worked, at the whole not at all."""
    pace = Pace()
    pace.begin()
    time.sleep(0.02)
    pace.add(Written(1, 1, ()), Speed(share=0.1))
    assert pace.rest_s() > 0.02 * 9 * 0.5
    pace.begin()
    pace.add(Written(1, 1, ()), Speed())
    assert pace.rest_s() == 0
