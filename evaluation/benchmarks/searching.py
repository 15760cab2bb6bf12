"""Searches over a collection of a given size: each stage, the whole, and the overhead."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evaluation.benchmarks.figures import Figure, median_ms
from evaluation.benchmarks.models import cross_encoder_folder
from evaluation.benchmarks.serving import serving_memory
from evaluation.benchmarks.texts import passages, queries
from evaluation.measures import percentile_ms
from evaluation.opening import open_forgetful
from evaluation.stores import OnProgress
from indexer.draft import Draft
from indexer.outcomes import Progress
from indexer.service import Indexer
from search_api.answer import SearchAnswer
from search_api.request import Rerank, SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.errors import ModelUnavailable
from services.ports.models import Embedder
from services.queries import LexicalQuery, Scope, Words
from services.settings import Settings

COLLECTION = "bench"

WORDS = 45
BATCH = 10_000
_DEPTH = 100
_QUERIES = 60
_WINDOWS = (20, 50, 100)
_OVERHEAD = 3.0
_UNHURRIED_MS = 600_000


def searching(settings: Settings, chunks: int, progress: OnProgress) -> list[Figure]:
    """Index, then time searches in process and weigh a serving process on the same data."""
    with tempfile.TemporaryDirectory() as folder:
        reranker = cross_encoder_folder(settings, Path(folder) / "cross-encoder")
        own = {
            "data_dir": Path(folder) / "data",
            "cross_encoder": str(reranker.path),
            "cache_ttl_s": 0,
            "budget_ms": _UNHURRIED_MS,
            "deadline_ms": _UNHURRIED_MS,
        }
        bench_settings = Settings.model_construct(**(settings.model_dump() | own))
        figures = asyncio.run(search_figures(bench_settings, chunks, progress))
        progress("Weighing a serving process", 0, 0)
        return [*figures, *serving_memory(bench_settings, chunks)]


async def search_figures(settings: Settings, chunks: int, progress: OnProgress) -> list[Figure]:
    """Index so many chunks, then time searches over them in this process."""
    async with open_forgetful(settings) as services:
        if services.embedder is None:
            raise ModelUnavailable(services.missing["bi_encoder"])
        await index_passages(services, chunks, progress)
        asked = iter(queries(2 * _QUERIES * (len(_WINDOWS) + 2)))
        take = [[next(asked) for _ in range(_QUERIES)] for _ in range(len(_WINDOWS) + 2)]
        await _overhead(
            services, services.embedder, take[0][:5], take[1][:5]
        )  # warms everything up
        figures = await _overhead(services, services.embedder, take[0], take[1])
        for window, texts in zip(_WINDOWS, take[2:], strict=True):
            progress(f"Reranking windows of {window}", 0, 0)
            figures += await _windowed(services, window, texts)
        return figures


async def index_passages(
    services: Services, chunks: int, progress: OnProgress, *, words: int = WORDS
) -> None:
    """Documents of one chunk each, so that their number is the number of chunks.

    Passages come in batches of :data:`BATCH`, each made with the number of its first as seed.
    """

    def indexing(state: Progress) -> None:
        progress("Indexing", state.documents, state.total)

    indexer = Indexer(services)
    try:
        await indexer.ensure_collection(COLLECTION)
        for start in range(0, chunks, BATCH):
            texts = passages(min(BATCH, chunks - start), words, seed=start)
            drafts = [
                Draft(id=f"{number:08}", text=text, language="en")
                for number, text in enumerate(texts, start=start)
            ]
            await indexer.put(COLLECTION, drafts)
            progress("Storing", start + len(drafts), chunks)
        await indexer.index_pending(COLLECTION, indexing)
    finally:
        await indexer.close()


async def _overhead(
    services: Services, embedder: Embedder, whole: Sequence[str], apart: Sequence[str]
) -> list[Figure]:
    """Hybrid searches without reranking, in turn with the same engine calls made by hand."""
    service = SearchService(services)
    searches_s, parts_s = [], []
    for whole_query, parts_query in zip(whole, apart, strict=True):
        started = time.perf_counter()
        await service.search(COLLECTION, SearchRequest(query=whole_query, rerank=Rerank.NONE))
        searches_s.append(time.perf_counter() - started)
        started = time.perf_counter()
        await _parts(services, embedder, parts_query)
        parts_s.append(time.perf_counter() - started)
    return [
        Figure(
            "hybrid query without reranking, beside embedding it and the two engine calls",
            median_ms(searches_s),
            "ms",
            median_ms(parts_s),
            at_most=_OVERHEAD,
        ),
        Figure("retrieval, p50", percentile_ms(searches_s, 50), "ms"),
        Figure("retrieval, p95", percentile_ms(searches_s, 95), "ms"),
    ]


async def _parts(services: Services, embedder: Embedder, query: str) -> None:
    generation = (await services.ledger.collections.head(COLLECTION)).live
    lexical = await services.lexical.open(generation)
    vectors = await services.vectors.open(generation)
    encoded = await embedder.embed_query(query)
    await lexical.search(LexicalQuery(Words(query)), _DEPTH)
    await vectors.search(encoded.vectors[0], Scope(), _DEPTH)


async def _windowed(services: Services, window: int, texts: Sequence[str]) -> list[Figure]:
    """The whole query and its reranking stage with a window of so many chunks."""
    chosen = Settings.model_construct(
        **(services.settings.model_dump() | {"rerank_window": window})
    )
    service = SearchService(replace(services, settings=chosen))
    wholes_s, stages_s = [], []
    for query in texts:
        started = time.perf_counter()
        request = SearchRequest(query=query, rerank=Rerank.CROSS_ENCODER)
        answer = await service.search(COLLECTION, request)
        wholes_s.append(time.perf_counter() - started)
        stages_s.append(_stage_ms(answer, "rerank") / 1_000)
    return [
        Figure(f"{name} at K = {window}, p{percent}", percentile_ms(times, percent), "ms")
        for name, times in (("reranking", stages_s), ("whole query", wholes_s))
        for percent in (50, 95)
    ]


def _stage_ms(answer: SearchAnswer, name: str) -> float:
    return sum(stage.ms for stage in answer.stages if stage.name == name)
