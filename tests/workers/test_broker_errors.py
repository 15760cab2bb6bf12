"""A broker that answers errors ends no worker."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import winnow_in
from tests.faults.protocols import Resp
from tests.faults.proxy import Proxy, Way
from tests.servers.redis import RedisServer, redis_server
from tests.workers.conftest import WorkerProcess, ready, reranking

__all__ = ["redis_server"]

pytestmark = pytest.mark.servers


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    """The worker's own way to the broker."""
    with Proxy(redis_server.port, Resp()) as proxy:
        yield proxy


async def test_a_worker_outlives_a_broker_that_answers_errors(
    redis_server: RedisServer, proxy: Proxy, tmp_path: Path
) -> None:
    """The process goes on, and scores again when the broker is well."""
    folder = tmp_path / "worker"
    folder.mkdir()
    worker = WorkerProcess(winnow_in(folder), f"redis://127.0.0.1:{proxy.port}/0")
    try:
        worker.start()
        async with reranking(redis_server.url) as reranker:
            proxy.go(Way.ERRORS)
            await asyncio.sleep(3)
            proxy.go(Way.CLEAR)
            await ready(reranker, worker.pid)
    finally:
        worker.kill()
