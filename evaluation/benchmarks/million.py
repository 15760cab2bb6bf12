"""A million chunks on real servers: what the vector graph finds, and each stage's time.

Texts and their vectors are synthetic: sentences of docstrings, each vector the sum of its
words' random directions, so that chunks which share words are near each other. The truth is
an exact search over the same vectors in this process, no engine's.
"""

import asyncio
import os
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.processes import server
from evaluation.benchmarks.searching import BATCH, COLLECTION, WORDS, index_passages
from evaluation.benchmarks.texts import passages, queries
from evaluation.measures import percentile_ms
from evaluation.opening import open_forgetful
from evaluation.stores import OnProgress
from indexer.service import Indexer
from search_api.request import Rerank, SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.errors import InvalidInput, ModelUnavailable
from services.ports.models import BiEncoder, Passage
from services.ports.vectors import Vectors
from services.qdrant.opening import open_qdrant
from services.queries import Scope
from services.settings import Settings

QDRANT_URL = "WINNOW_TEST_QDRANT_URL"
QDRANT_GRPC_PORT = "WINNOW_TEST_QDRANT_GRPC_PORT"

DEPTH = 100

_ENCODER = "hashing-384"
_QUERIES = 200
_UNHURRIED_MS = 600_000
# Engines score in another order of sums; what is so near the last of the truth is as good.
_TIE = 1e-5


def million(settings: Settings, chunks: int, progress: OnProgress) -> list[Figure]:
    """Index so many chunks in OpenSearch and in the Qdrant of WINNOW_TEST_QDRANT_URL, and ask.

    Raises:
        InvalidInput: no Qdrant is named.
    """
    url = os.environ.get(QDRANT_URL, "")
    if not url:
        raise InvalidInput(f"There is no Qdrant to fill: set {QDRANT_URL} to a server's URL.")
    with (
        tempfile.TemporaryDirectory() as folder,
        server(settings.opensearch_url, "opensearch") as opensearch,
    ):
        prefix = f"bench-{uuid.uuid4().hex[:8]}"
        own = {
            "data_dir": Path(folder),
            "opensearch_url": opensearch,
            "opensearch_prefix": prefix,
            "qdrant_url": url,
            "qdrant_grpc_port": int(os.environ.get(QDRANT_GRPC_PORT, settings.qdrant_grpc_port)),
            "qdrant_prefix": prefix,
        }
        chosen = Settings.model_construct(**(settings.model_dump() | own))
        return asyncio.run(million_figures(chosen, chunks, progress))


async def million_figures(
    settings: Settings, chunks: int, progress: OnProgress, *, asked: int = _QUERIES
) -> list[Figure]:
    """Fill the stores of the settings, measure, and empty them again."""
    own = {
        "bi_encoder": _ENCODER,
        "token_dimensions": 0,
        "cross_encoder": "",
        "cache_ttl_s": 0,
        "deadline_ms": _UNHURRIED_MS,
    }
    chosen = Settings.model_construct(**(settings.model_dump() | own))
    async with open_forgetful(chosen) as services:
        try:
            started_s = time.perf_counter()
            await index_passages(services, chunks, progress)
            rate = chunks / (time.perf_counter() - started_s)
            progress("Waiting for the graph", 0, 0)
            await _until_built(chosen, services)
            texts = queries(asked, seed=5)
            progress("Searching exactly", 0, 0)
            truth = await asyncio.to_thread(_truth, _encoder(services), chunks, texts)
            return [
                Figure(f"indexing {chunks:,} chunks", rate, "chunks/s"),
                *await _graph(services, texts, truth, chunks),
                *await _stages(services, texts, progress),
            ]
        finally:
            indexer = Indexer(services)
            await indexer.delete_collection(COLLECTION)
            await indexer.close()


async def _until_built(settings: Settings, services: Services) -> None:
    """A graph that is half built finds everything, slowly: that is not what is measured."""
    generation = (await services.ledger.collections.head(COLLECTION)).live
    store = open_qdrant(settings)
    try:
        await store.until_built(generation)
    finally:
        await store.close()


def _truth(encoder: BiEncoder, chunks: int, texts: Sequence[str]) -> NDArray[np.float32]:
    """The cosine of each query's :data:`DEPTH`-th nearest chunk, by looking at all of them.

    Returns:
        float32 [queries]: whatever is at least as near belongs to the nearest.
    """
    asked = encoder.encode_queries(texts).vectors
    best = np.full((len(texts), DEPTH), -np.inf, np.float32)
    for start in range(0, chunks, BATCH):
        held = _vectors(encoder, start, min(BATCH, chunks - start))
        scores = np.concatenate([best, asked @ held.T], axis=1)
        kept = min(DEPTH, scores.shape[1])
        best = np.partition(scores, scores.shape[1] - kept, axis=1)[:, -kept:]
    lowest: NDArray[np.float32] = best.min(axis=1)
    return lowest


def _vectors(encoder: BiEncoder, start: int, count: int) -> Vectors:
    """Vectors of the chunks as they were indexed: documents of one chunk, without titles."""
    texts = passages(count, WORDS, seed=start)
    return encoder.encode_passages([Passage(text) for text in texts]).vectors


async def _graph(
    services: Services, texts: Sequence[str], truth: NDArray[np.float32], chunks: int
) -> list[Figure]:
    """Recall of the vector index against the truth, and its times."""
    generation = (await services.ledger.collections.head(COLLECTION)).live
    index = await services.vectors.open(generation)
    found, times_s = [], []
    for vector, least in zip(_encoder(services).encode_queries(texts).vectors, truth, strict=True):
        started_s = time.perf_counter()
        run = await index.search(vector, Scope(), DEPTH)
        times_s.append(time.perf_counter() - started_s)
        found.append(sum(hit.score >= least - _TIE for hit in run) / min(DEPTH, chunks))
    return [
        Figure(f"vector index: recall@{DEPTH} beside exact search", 100 * np.mean(found), "%"),
        *_percentiles(f"vector index, depth {DEPTH}", times_s),
    ]


async def _stages(services: Services, texts: Sequence[str], progress: OnProgress) -> list[Figure]:
    """Whole hybrid searches, stage by stage."""
    progress("Searching", 0, 0)
    service = SearchService(replace(services))
    times_s: defaultdict[str, list[float]] = defaultdict(list)
    for text in texts:
        request = SearchRequest(query=text, rerank=Rerank.NONE)
        answer = await service.search(COLLECTION, request)
        times_s["whole query"].append(answer.took_ms / 1_000)
        for stage in answer.stages:
            times_s[f"stage {stage.name}"].append(stage.ms / 1_000)
    return [figure for name, spent_s in times_s.items() for figure in _percentiles(name, spent_s)]


def _percentiles(name: str, seconds: Sequence[float]) -> list[Figure]:
    return [
        Figure(f"{name}, p{percent}", percentile_ms(seconds, percent), "ms") for percent in (50, 95)
    ]


def _encoder(services: Services) -> BiEncoder:
    if services.embedder is None:
        raise ModelUnavailable(services.missing["bi_encoder"])
    return services.embedder.encoder
