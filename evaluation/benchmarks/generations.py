"""Building a generation: its rate beside the encoder's own, the switch, searches meanwhile."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.texts import passages, queries
from evaluation.measures import percentile_ms
from evaluation.opening import open_forgetful
from evaluation.stores import OnProgress
from indexer.cutting import BATCH_CHUNKS
from indexer.draft import Draft
from indexer.generations.orders import Order
from indexer.service import Indexer
from search_api.request import Rerank, SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.documents import ChunkRef
from services.errors import ModelUnavailable
from services.generations import Generation, GenerationState
from services.ports.models import Embedder, Passage
from services.settings import Settings

COLLECTION = "bench"

_WORDS = 300
_DOCUMENT_CHUNKS = 2
_QUERIES = 150
_THINKING_S = 0.02
# Asking how far a build is counts what is pending: a watcher asks now and then.
_POLL_S = 0.5
_SHARE_OF_ENCODER = 0.85
_SWITCH_S = 1.0
_TIMES_IDLE = 2.0
_UNHURRIED_MS = 600_000
_WHO = "benchmark"


def generations(settings: Settings, chunks: int, progress: OnProgress) -> list[Figure]:
    """Build so many chunks beside a live generation."""
    with tempfile.TemporaryDirectory() as folder:
        own = {
            "data_dir": Path(folder),
            "cross_encoder": "",
            "cache_ttl_s": 0,
            "deadline_ms": _UNHURRIED_MS,
        }
        bench_settings = Settings.model_construct(**(settings.model_dump() | own))
        return asyncio.run(_figures(bench_settings, chunks // _DOCUMENT_CHUNKS, progress))


async def _figures(settings: Settings, documents: int, progress: OnProgress) -> list[Figure]:
    async with open_forgetful(settings) as services:
        if services.embedder is None:
            raise ModelUnavailable(services.missing["bi_encoder"])
        async with Indexer(services) as indexer:
            await _fill(indexer, documents, progress)
            progress("Building without searches", 0, 0)
            rate, encoder_rate, built = await _rates(services, services.embedder, indexer)
            started = time.perf_counter()
            await indexer.generations.activate(COLLECTION, built.id, _WHO, force=True)
            switch_s = time.perf_counter() - started
            progress("Building under searches", 0, 0)
            idle, busy = await _searches(services, indexer)
    return [
        Figure(
            f"building a generation of {documents:,} documents, against its encoder alone",
            rate,
            "chunks/s",
            encoder_rate,
            at_least=_SHARE_OF_ENCODER,
        ),
        Figure("switching to a generation", switch_s, "s", at_most=_SWITCH_S),
        Figure(
            "searches during a build, p95 against idle",
            percentile_ms(busy, 95),
            "ms",
            percentile_ms(idle, 95),
            at_most=_TIMES_IDLE,
        ),
    ]


async def _fill(indexer: Indexer, documents: int, progress: OnProgress) -> None:
    """Documents of some chunks each, in the live generation."""
    await indexer.create_collection(COLLECTION, language="en")
    texts = passages(documents, _WORDS)
    drafts = [Draft(f"{n:06}", text, language="en") for n, text in enumerate(texts)]
    await indexer.put(COLLECTION, drafts)
    progress("Indexing", 0, documents)
    await indexer.index_pending(COLLECTION)


async def _rates(
    services: Services, embedder: Embedder, indexer: Indexer
) -> tuple[float, float, Generation]:
    """Chunks a second of a build, and of its encoder on chunks of that size, before and after."""
    live = (await services.ledger.collections.head(COLLECTION)).live
    before = await _encoder_rate(services, embedder, live)
    await indexer.generations.start(COLLECTION, Order(force=True), _WHO)
    built = await _until(indexer, lambda each: each.state is GenerationState.READY)
    after = await _encoder_rate(services, embedder, built)
    return built.build.chunks / built.build.seconds, (before + after) / 2, built


async def _encoder_rate(services: Services, embedder: Embedder, generation: Generation) -> float:
    """Chunks a second that the encoder alone makes vectors of, given as a build gives them."""
    index = await services.lexical.open(generation)
    held = await index.versions("", 200)
    refs = [ChunkRef(each.document_id, n) for each in held for n in range(each.chunks)]
    chunks = await index.read(refs)
    texts = [Passage(chunks[ref].text) for ref in refs]
    started = time.perf_counter()
    for start in range(0, len(texts), BATCH_CHUNKS):
        await embedder.embed_passages(texts[start : start + BATCH_CHUNKS])
    return len(texts) / (time.perf_counter() - started)


async def _searches(
    services: Services, indexer: Indexer
) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds of searches without a build and with one, the same number of each."""
    service = SearchService(services)
    asked = queries(3 * _QUERIES)
    await _ask(service, asked[:_QUERIES])  # warms everything up
    idle = await _ask(service, asked[_QUERIES : 2 * _QUERIES])
    await indexer.generations.start(COLLECTION, Order(force=True), _WHO)
    building = await _until(indexer, lambda each: each.build.documents > 0)
    busy = await _ask(service, asked[2 * _QUERIES :])
    await indexer.generations.cancel(COLLECTION, building.id, _WHO)
    return idle, busy


async def _ask(service: SearchService, texts: Sequence[str]) -> list[float]:
    seconds = []
    for text in texts:
        started = time.perf_counter()
        await service.search(COLLECTION, SearchRequest(query=text, rerank=Rerank.AUTO))
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(_THINKING_S)
    return seconds


async def _until(indexer: Indexer, holds: Callable[[Generation], bool]) -> Generation:
    """The newest generation, once this holds of it."""
    while True:
        newest = (await indexer.generations.list(COLLECTION))[-1].generation
        if holds(newest):
            return newest
        await asyncio.sleep(_POLL_S)
