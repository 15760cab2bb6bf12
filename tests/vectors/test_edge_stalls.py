"""Edge holds the global lock while it works: the event loop must not feel it."""

import asyncio
import time
from pathlib import Path
from statistics import median

import numpy as np

from services.embedded.vectors import EdgeStore
from services.ports.vectors import VectorIndex
from services.queries import Scope
from tests.vectors.examples import entry, generation

_CHUNKS_PER_DOCUMENT = 5
_DOCUMENTS = 1_000
_DOCUMENTS_PER_WRITE = 50
_DIMENSIONS = 384
_LONGEST_STALL_S = 0.05


async def _search_for_ever(index: VectorIndex, vector: np.ndarray) -> None:
    while True:
        await index.search(vector, Scope(), 100)
        await asyncio.sleep(0.01)


async def _worst_stall_s(work: asyncio.Task) -> float:
    """The most processor time that this process spent between two turns of the loop.

    Processor time, since a busy machine makes any loop late that others keep waiting.
    """
    worst = 0.0
    while not work.done():
        before = time.process_time()
        await asyncio.sleep(0.001)
        worst = max(worst, time.process_time() - before)
    return worst


async def test_writing_and_searching_never_stall_the_loop(tmp_path: Path) -> None:
    """5,000 chunks are written under search; the median of the writes' worst stalls counts."""
    random = np.random.default_rng(3)
    store = EdgeStore(tmp_path)
    index = await store.open(generation(dimensions=_DIMENSIONS))
    vectors = random.standard_normal((_CHUNKS_PER_DOCUMENT, _DIMENSIONS)).astype(np.float32)
    entries = [
        entry(f"{n}", np.roll(vectors, n, axis=1), metadata={"year": n, "kind": f"k{n % 9}"})
        for n in range(_DOCUMENTS)
    ]
    searching = asyncio.create_task(_search_for_ever(index, vectors[0]))
    stalls = []
    for start in range(0, _DOCUMENTS, _DOCUMENTS_PER_WRITE):
        part = entries[start : start + _DOCUMENTS_PER_WRITE]
        writing = asyncio.create_task(index.write(part, []))
        stalls.append(await _worst_stall_s(writing))
        assert await writing == {}
    searching.cancel()
    await asyncio.wait([searching])
    await store.close()
    assert median(stalls) < _LONGEST_STALL_S
