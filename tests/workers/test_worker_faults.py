"""Workers and brokers that die, stop and come back: a query never waits past its deadline."""

import asyncio
import signal
import time
from dataclasses import replace

import pytest

from services.celery.reranker import CeleryReranker
from services.errors import BackendUnavailable, Overloaded
from services.ports.models import RerankRequest
from tests.servers.redis import RedisServer
from tests.workers.conftest import REPAIR_S, WorkerProcess, ready, request, reranking

pytestmark = pytest.mark.servers

# 0.2 s is the promise; the rest is for machines that do other things.
LATE_S = 1.0


async def _refused(reranker: CeleryReranker, asked: RerankRequest) -> float:
    """How long a request took that nobody answered."""
    started_s = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await reranker.rerank(asked)
    took_s = time.monotonic() - started_s
    assert time.monotonic() < asked.deadline_s + LATE_S
    return took_s


async def _gone(reranker: CeleryReranker) -> None:
    """Wait until the worker's silence is noticed."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        try:
            await reranker.ping()
        except BackendUnavailable:
            return
        await asyncio.sleep(0.1)
    pytest.fail("a dead worker counts as alive")


async def test_a_killed_worker_costs_a_deadline_and_a_new_one_takes_over(
    redis_server: RedisServer, worker: WorkerProcess
) -> None:
    """At first the deadline, then nothing; no restart of the API."""
    async with reranking(redis_server.url) as reranker:
        worker.kill()
        await _refused(reranker, request("q", 0.5))
        await _gone(reranker)
        assert await _refused(reranker, request("q", 30.0)) < 5
        worker.start()
        await ready(reranker, worker.pid)


async def test_a_stopped_worker_drops_what_is_over_when_it_goes_on(
    redis_server: RedisServer, worker: WorkerProcess
) -> None:
    """Its late answers reach nobody."""
    async with reranking(redis_server.url) as reranker:
        worker.signal(signal.SIGSTOP)
        await asyncio.gather(*(_refused(reranker, request("q", 0.5)) for _ in range(5)))
        await _gone(reranker)
        worker.signal(signal.SIGCONT)
        await ready(reranker, worker.pid)
        # What stood in the broker meanwhile is told once, and then forgotten.
        deadline_s = time.monotonic() + REPAIR_S
        while reranker.affordable(1.0) <= 10:
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.1)


async def test_a_killed_broker_is_told_at_once_and_comes_back(
    redis_server: RedisServer, worker: WorkerProcess
) -> None:
    """API and worker both find it again by themselves, though it lost everything."""
    async with reranking(redis_server.url) as reranker:
        redis_server.kill()
        await _refused(reranker, request("q", 2.0))
        assert await _refused(reranker, request("q", 30.0)) < 5
        redis_server.start()
        await ready(reranker, worker.pid)


async def test_a_hung_broker_costs_little_and_comes_back(
    redis_server: RedisServer, worker: WorkerProcess
) -> None:
    """Connections stay open and nothing answers; the event loop does not notice."""
    async with reranking(redis_server.url) as reranker:
        redis_server.hang()
        asked = [reranker.rerank(request("q", 30.0)) for _ in range(100)]
        started_s = time.monotonic()
        refused = asyncio.gather(*asked, return_exceptions=True)
        longest_s, last_s = 0.0, time.monotonic()
        while not refused.done():
            await asyncio.sleep(0.005)
            longest_s, last_s = max(longest_s, time.monotonic() - last_s), time.monotonic()
        # More than can wait to be sent are told so, the others that the broker is away.
        assert {type(error) for error in await refused} == {Overloaded, BackendUnavailable}
        assert time.monotonic() - started_s < 5
        assert longest_s < LATE_S
        await asyncio.sleep(3)
        redis_server.resume()
        await ready(reranker, worker.pid)


async def test_a_worker_that_is_told_to_stop_finishes_what_runs(
    redis_server: RedisServer, worker: WorkerProcess
) -> None:
    """The request is answered whole, then the process ends."""
    async with reranking(redis_server.url) as reranker:
        few = request("tide", 60.0)
        long = replace(
            few, passages=[replace(each, text=each.text * 40) for each in few.passages * 60]
        )
        answer = asyncio.ensure_future(reranker.rerank(long))
        await asyncio.sleep(0.3)
        worker.signal(signal.SIGTERM)
        result = await answer
        assert None not in result.scores
        assert result.worker.endswith(f":{worker.pid}")
        assert await worker.exit_code() == 0
