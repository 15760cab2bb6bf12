"""Late interaction: its time by window beside a cross-encoder's, and what it adds to indexing."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from evaluation.benchmarks.figures import Figure, median_ms
from evaluation.benchmarks.models import cross_encoder_folder
from evaluation.benchmarks.texts import passages, queries
from evaluation.opening import open_forgetful
from indexer.draft import Draft
from indexer.service import Indexer
from search_api.late import LATE
from search_api.request import Rerank, SearchRequest
from search_api.service import SearchService
from services.assembly import Services, open_services
from services.garbage import settle
from services.models.hashing import HASHING
from services.models.loading import load_cross_encoder
from services.models.reranker import InProcessReranker
from services.ports.models import Passage, RerankRequest
from services.settings import Settings

_COLLECTION = "bench"
_CHUNKS = 2_500
_WORDS = 150
_TOKEN_DIMENSIONS = 64
_QUERIES = 30
_MOST_MS = {100: 3.0, 300: 8.0, 1_000: None}

_PAIRS = 50
_PAIR_WORDS = 110
_PAIR_ROUNDS = 5

_INGESTED = 128
_INGESTION_ROUNDS = 5
_INGESTION_SHARE = 0.9
_UNHURRIED_MS = 600_000


def late_interaction(settings: Settings) -> list[Figure]:
    """Both comparisons, with garbage collected as in a process that serves."""
    settle()
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder)
        windows = asyncio.run(window_figures(settings, aside / "windows", _CHUNKS))
        pairs = asyncio.run(_cross_encoder_figure(settings, aside / "cross-encoder"))
        ingestion = asyncio.run(ingestion_figure(settings, aside / "ingestion"))
    return [*windows, pairs, ingestion]


async def window_figures(settings: Settings, folder: Path, chunks: int) -> list[Figure]:
    """The stage of real searches by window: median and 95th percentile.

    Hashed words stand in for a model's tokens. The engine's work is the same, chunks of so
    many tokens of as many dimensions, and filling the index takes seconds. The first searches
    after an index was opened are told apart: they map the pages of its files.
    """
    figures = []
    # Filled and closed first: what engines tidy up after writing is no part of a search.
    async with open_forgetful(_by_window(settings, folder, max(_MOST_MS))) as services:
        await _index(services, passages(chunks, _WORDS, seed=7))
    for window, most_ms in _MOST_MS.items():
        async with open_forgetful(_by_window(settings, folder, window)) as services:
            opened_s = await _stages_s(services, seed=window + 1)
            stages_s = await _stages_s(services, seed=window)
        name = f"late interaction, window of {window:,} chunks of {_WORDS} words"
        figures += [
            Figure(f"{name}, p50", median_ms(stages_s), "ms", at_most=most_ms, enforced=False),
            Figure(f"{name}, p95", statistics.quantiles(stages_s, n=20)[-1] * 1_000, "ms"),
            Figure(f"{name}, p50 of the first {_QUERIES} searches", median_ms(opened_s), "ms"),
        ]
    return figures


def _by_window(settings: Settings, folder: Path, window: int) -> Settings:
    return _changed(
        settings,
        data_dir=folder,
        bi_encoder=HASHING,
        cross_encoder="",
        token_dimensions=_TOKEN_DIMENSIONS,
        late_window=window,
    )


async def _stages_s(services: Services, seed: int) -> list[float]:
    service = SearchService(services)
    times = []
    for number, query in enumerate(queries(_QUERIES + 3, seed=seed)):
        request = SearchRequest(query=query, rerank=Rerank.LATE, size=1)
        answer = await service.search(_COLLECTION, request)
        if number >= 3:  # the first ones warm it up
            times += [stage.ms / 1_000 for stage in answer.stages if stage.name == LATE]
    return times


async def _cross_encoder_figure(settings: Settings, aside: Path) -> Figure:
    """What the other reranker takes for its window."""
    folder = cross_encoder_folder(settings, aside)
    chosen = _changed(settings, cross_encoder=str(folder.path))
    reranker = InProcessReranker(load_cross_encoder(chosen))
    times = []
    for number, query in enumerate(queries(_PAIR_ROUNDS + 1)):
        texts = [Passage(text) for text in passages(_PAIRS, _PAIR_WORDS, seed=number)]
        started = time.perf_counter()
        await reranker.rerank(RerankRequest(query, texts, time.monotonic() + 600.0))
        times.append(time.perf_counter() - started)
    await reranker.close()
    name = f"cross-encoder, window of {_PAIRS} chunks of {_PAIR_WORDS} words, p50"
    return Figure(f"{name} ({folder.description})", median_ms(times[1:]), "ms")


async def ingestion_figure(
    settings: Settings, folder: Path, passages_a_round: int = _INGESTED
) -> Figure:
    """Passages indexed a second with token vectors beside without, in rounds that alternate."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    dimensions = {"with": settings.token_dimensions or None, "without": 0}
    own = [
        _changed(settings, data_dir=folder / name, token_dimensions=size, cross_encoder="")
        for name, size in dimensions.items()
    ]
    async with open_services(own[0]) as tokens, open_services(own[1]) as plain:
        sides = {True: tokens, False: plain}
        for number in range(_INGESTION_ROUNDS + 1):
            texts = passages(passages_a_round, _PAIR_WORDS, seed=500 + number)
            order = (True, False) if number % 2 else (False, True)
            for side in order:
                started = time.perf_counter()
                await _index(sides[side], texts, prefix=f"{number}-")
                if number:  # the first round warms both up
                    rates[side].append(len(texts) / (time.perf_counter() - started))
    return Figure(
        "indexing with token vectors, beside without",
        statistics.median(rates[True]),
        "passages/s",
        statistics.median(rates[False]),
        at_least=_INGESTION_SHARE,
        enforced=False,
    )


async def _index(services: Services, texts: Sequence[str], prefix: str = "") -> None:
    indexer = Indexer(services)
    try:
        await indexer.ensure_collection(_COLLECTION)
        drafts = [
            Draft(id=f"{prefix}{number:06}", text=text, language="en")
            for number, text in enumerate(texts)
        ]
        await indexer.put(_COLLECTION, drafts)
        await indexer.index_pending(_COLLECTION)
    finally:
        await indexer.close()


def _changed(settings: Settings, **changes: object) -> Settings:
    """The user's settings with others in their place, unhurried and without a cache."""
    fixed = {"cache_ttl_s": 0, "deadline_ms": _UNHURRIED_MS}
    return Settings.model_construct(**(settings.model_dump() | fixed | changes))
