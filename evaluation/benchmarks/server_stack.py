"""The server stack by stage: what everything but the cross-encoder itself costs a query.

API, OpenSearch, Redis and a Celery worker are processes of their own on this machine; vectors
are in Qdrant where ``WINNOW_QDRANT_URL`` is set, else embedded in the API's process.
"""

import asyncio
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.models import cross_encoder_name
from evaluation.benchmarks.processes import api, server, winnow
from evaluation.benchmarks.searching import COLLECTION, index_passages
from evaluation.benchmarks.texts import queries
from evaluation.measures import percentile_ms
from evaluation.stores import OnProgress
from search_api.answer import SearchAnswer
from search_api.reranking import RERANK
from services.assembly import open_services
from services.settings import Settings

_QUERIES = 200
# OpenSearch compiles what has run thousands of times, which takes a core while it does.
_WARM_UP_LATE = 400
_WARM_UP = 30
_CACHED_ROUNDS = 3
_MOST_MS = {50: 25.0, 95: 60.0}
_CACHED_MOST_MS = 3.0
_UNHURRIED_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Timed:
    """One answer and how long its caller waited for it."""

    answer: SearchAnswer
    wall_s: float


def server_stack(
    settings: Settings, chunks: int, progress: OnProgress, *, asked: int = _QUERIES
) -> list[Figure]:
    """Start the stack, index so many chunks, ask one query at a time."""
    with running_stack(settings, chunks, progress) as client:
        progress("Searching", 0, 0)
        texts = queries(_WARM_UP + asked, seed=11)
        _ask_all(client, queries(_WARM_UP_LATE, seed=12), rerank="late")
        _ask_all(client, texts[:_WARM_UP])
        timed = _ask_all(client, texts[_WARM_UP:])
        cached = _ask_all(client, texts[_WARM_UP:] * _CACHED_ROUNDS)
    return [*_overhead(timed, chunks), *_stages(timed), _cached(cached)]


@contextmanager
def running_stack(
    settings: Settings, chunks: int, progress: OnProgress, **more: str
) -> Iterator[httpx.Client]:
    """A client of an API with a worker behind it, over so many indexed chunks.

    Args:
        more: settings of these processes alone, by their environment's names.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        server(settings.opensearch_url, "opensearch") as opensearch,
        server(settings.broker_url, "redis") as broker,
        server(settings.cache_url, "redis") as cache,
    ):
        model = cross_encoder_name(settings, Path(folder) / "cross-encoder")
        environment = {
            "WINNOW_DATA_DIR": str(Path(folder) / "data"),
            "WINNOW_OPENSEARCH_URL": opensearch,
            "WINNOW_OPENSEARCH_PREFIX": f"bench-{uuid.uuid4().hex[:8]}",
            "WINNOW_BROKER_URL": broker,
            "WINNOW_CACHE_URL": cache,
            "WINNOW_CROSS_ENCODER": model,
            "WINNOW_BUDGET_MS": str(_UNHURRIED_MS),
            "WINNOW_DEADLINE_MS": str(_UNHURRIED_MS),
        } | more
        asyncio.run(_fill(settings, environment, chunks, progress))
        progress("Starting a worker and the API", 0, 0)
        with (
            winnow(environment, "worker", "--queues", "rerank", says="Ready"),
            api(environment) as (client, _),
        ):
            yield client


async def _fill(
    settings: Settings, environment: Mapping[str, str], chunks: int, progress: OnProgress
) -> None:
    own = {name.removeprefix("WINNOW_").lower(): value for name, value in environment.items()} | {
        "cross_encoder": "",
        "broker_url": "",
        "cache_url": "",
    }
    async with open_services(Settings.model_validate(settings.model_dump() | own)) as services:
        await index_passages(services, chunks, progress)


def _ask_all(
    client: httpx.Client, texts: Sequence[str], rerank: str = "cross-encoder"
) -> list[_Timed]:
    return [_ask(client, {"query": text, "rerank": rerank}) for text in texts]


def _ask(client: httpx.Client, asked: Mapping[str, str]) -> _Timed:
    started = time.perf_counter()
    response = client.post(f"/v1/collections/{COLLECTION}/search", json=asked)
    wall_s = time.perf_counter() - started
    return _Timed(SearchAnswer.model_validate_json(response.raise_for_status().content), wall_s)


def _overhead(timed: Sequence[_Timed], chunks: int) -> list[Figure]:
    """What is left of each query's time without the worker's model passes."""
    overheads_s = [each.wall_s - _compute_s(each) for each in timed]
    return [
        Figure(
            f"query over HTTP at {chunks:,} chunks less the model passes, p{percent}",
            percentile_ms(overheads_s, percent),
            "ms",
            at_most=most_ms,
            enforced=False,
        )
        for percent, most_ms in _MOST_MS.items()
    ]


def _stages(timed: Sequence[_Timed]) -> list[Figure]:
    """Each stage's own time; "rerank" is the way to the worker and back."""
    return [
        Figure(f"stage {name}, p{percent}", percentile_ms(spent_s, percent), "ms")
        for name, spent_s in _times(timed).items()
        for percent in _MOST_MS
    ]


def _times(timed: Sequence[_Timed]) -> dict[str, list[float]]:
    """Seconds of each stage of every query; "HTTP" is what is outside of them all."""
    times_s: defaultdict[str, list[float]] = defaultdict(list)
    for each in timed:
        for stage in each.answer.stages:
            compute_s = _compute_s(each) if stage.name == RERANK else 0.0
            times_s[stage.name].append(stage.ms / 1_000 - compute_s)
        times_s["HTTP"].append(each.wall_s - each.answer.took_ms / 1_000)
    return times_s


def _cached(timed: Sequence[_Timed]) -> Figure:
    """Answers from the cache; one that was computed after all does not count as one."""
    cached_s = [each.wall_s for each in timed if each.answer.cached]
    return Figure(
        f"cached answer over HTTP, p50 of {len(cached_s)}",
        percentile_ms(cached_s, 50),
        "ms",
        at_most=_CACHED_MOST_MS,
        enforced=False,
    )


def _compute_s(timed: _Timed) -> float:
    window = timed.answer.window
    return 0.0 if window is None else window.compute_ms / 1_000
