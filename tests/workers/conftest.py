"""Real brokers and real worker processes."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from services.celery.reranker import CeleryReranker
from services.errors import BackendUnavailable
from services.ports.models import Passage, RerankRequest, RerankResult
from tests.conftest import COMMAND, Winnow, winnow_in
from tests.servers.redis import RedisServer, redis_server, shared_redis

__all__ = ["redis_server", "shared_redis"]

START_S = 180
# Issue, "Faults": all is normal within ten seconds; what a busy machine adds is not ours.
REPAIR_S = 30


class WorkerProcess:
    """``winnow worker`` as a process that a test may kill and stop."""

    arguments: ClassVar[tuple[str, ...]] = (*COMMAND, "worker", "--queues", "rerank")

    def __init__(self, command: Winnow, broker_url: str, **environment: str) -> None:
        self._folder = command.folder
        self._environment = command.environment | {"WINNOW_BROKER_URL": broker_url} | environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that scores."""
        assert self._process is not None
        return self._process.pid

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return (self._folder / "worker.log").read_text()

    def start(self) -> None:
        """Start it, and wait until it takes tasks."""
        with (self._folder / "worker.log").open("wb") as log:
            self._process = subprocess.Popen(
                self.arguments,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline_s = time.monotonic() + START_S
        while "Ready" not in self.said:
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.05)

    @property
    def ended(self) -> bool:
        """Whether it ended, by itself or not."""
        return self._process is not None and self._process.poll() is not None

    @property
    def environment(self) -> dict[str, str]:
        """What it runs with, for another process beside it."""
        return dict(self._environment)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def exit_code(self) -> int:
        """Wait for its end."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, START_S)


@asynccontextmanager
async def reranking(broker_url: str) -> AsyncIterator[CeleryReranker]:
    """The API's side of a broker, once it has seen a worker."""
    reranker = await CeleryReranker.open(broker_url, "overlap")
    try:
        await ready(reranker)
        yield reranker
    finally:
        await reranker.close()


async def ready(reranker: CeleryReranker, pid: int | None = None) -> RerankResult:
    """The first answer that there is, from the process named."""
    deadline_s = time.monotonic() + REPAIR_S
    while True:
        try:
            result = await reranker.rerank(request("anything", 5.0))
            if pid is None or result.worker.endswith(f":{pid}"):
                return result
        except BackendUnavailable:
            assert time.monotonic() < deadline_s, "no worker came (back)"
        await asyncio.sleep(0.1)


def request(query: str, seconds: float, passages: int = 30) -> RerankRequest:
    """A request over numbered passages."""
    texts = tuple(
        Passage(f"passage {number} " + "tide " * (number % 7)) for number in range(passages)
    )
    return RerankRequest(query, texts, time.monotonic() + seconds)


@pytest.fixture(scope="module")
def shared_worker(
    shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProcess]:
    """A worker for the tests of a module that do it no harm."""
    worker = WorkerProcess(winnow_in(tmp_path_factory.mktemp("worker")), shared_redis.url)
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()


@pytest.fixture
def worker(redis_server: RedisServer, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker of this test's own, with a broker of its own."""
    folder = tmp_path / "worker"
    folder.mkdir()
    process = WorkerProcess(winnow_in(folder), redis_server.url)
    try:
        process.start()
        yield process
    finally:
        process.kill()
