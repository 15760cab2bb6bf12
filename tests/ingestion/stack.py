"""The stores and the broker, and processes that ingest into them."""

import asyncio
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import redis

from indexer.draft import Draft
from services.assembly import Services
from services.celery.codec import decode_claim
from services.celery.connection import CLAIMS_KEY
from services.settings import Settings
from tests.conftest import COMMAND, winnow_in
from tests.indexer.stacks import State, check_congruent, state_of
from tests.servers.qdrant import QdrantProcess
from tests.servers.redis import RedisServer
from tests.workers.conftest import WorkerProcess

COLLECTION = "harbour"
TASK_DOCUMENTS = 16
# Ten seconds are promised; the rest is for machines that do other things.
RECOVERY_S = 60.0


class IngestWorker(WorkerProcess):
    """``winnow worker --queues ingest``."""

    arguments: ClassVar[tuple[str, ...]] = (*COMMAND, "worker", "--queues", "ingest")


class OddWorker(WorkerProcess):
    """One that is slow, or dies of a document."""

    arguments: ClassVar[tuple[str, ...]] = (sys.executable, "-m", "tests.ingestion.odd_worker")


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers that several tests share, each with names of its own in them."""

    opensearch_url: str
    qdrant: QdrantProcess

    def environment(self, broker: RedisServer) -> dict[str, str]:
        """The settings of an empty stack on these servers."""
        prefix = f"ingest-{uuid.uuid4().hex[:8]}"
        return {
            "WINNOW_OPENSEARCH_URL": self.opensearch_url,
            "WINNOW_OPENSEARCH_PREFIX": prefix,
            # Only gRPC is asked; nothing listens there.
            "WINNOW_QDRANT_URL": "http://127.0.0.1:1",
            "WINNOW_QDRANT_GRPC_PORT": str(self.qdrant.port),
            "WINNOW_QDRANT_PREFIX": prefix,
            "WINNOW_BROKER_URL": broker.url,
            "WINNOW_TOKEN_DIMENSIONS": "0",
            "WINNOW_INGEST_TASK_DOCUMENTS": str(TASK_DOCUMENTS),
        }


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of one test's own, with what it needs to start workers."""

    folder: Path
    environment: dict[str, str]
    opened: ExitStack

    @property
    def settings(self) -> Settings:
        """Those of a process that serves, with instant models."""
        given = {
            name.removeprefix("WINNOW_").lower(): value for name, value in self.environment.items()
        }
        return Settings(
            _env_file=None,  # type: ignore[call-arg]
            data_dir=self.folder / "data",
            bi_encoder="hashing",
            cross_encoder="",
            **given,  # type: ignore[arg-type]
        )

    def worker(self, kind: type[WorkerProcess] = IngestWorker, **more: str) -> WorkerProcess:
        """A worker that is yet to be started; it is killed at the end."""
        folder = self.folder / uuid.uuid4().hex[:8]
        folder.mkdir()
        environment = self.environment | more
        worker = kind(winnow_in(folder), environment.pop("WINNOW_BROKER_URL"), **environment)
        self.opened.callback(worker.kill)
        return worker

    def started(self, kind: type[WorkerProcess] = IngestWorker, **more: str) -> WorkerProcess:
        """A worker that takes tasks."""
        worker = self.worker(kind, **more)
        worker.start()
        return worker


@contextmanager
def servers(opensearch_url: str) -> Iterator[Servers]:
    """Start what is not running yet, stop it at the end."""
    with ExitStack() as opened:
        qdrant = QdrantProcess()
        opened.callback(qdrant.kill)
        qdrant.start()
        yield Servers(opensearch_url, qdrant)


def drafts(count: int, text: str = "The tide of day {0} filled the harbour.") -> list[Draft]:
    """Short documents with numbered ids."""
    return [
        Draft(f"log/{number:05}", text.format(number), f"Day {number}", language="en")
        for number in range(count)
    ]


def workers_at_work(stack: Stack) -> set[int]:
    """The processes that have begun a task of this stack's."""
    with redis.Redis.from_url(stack.environment["WINNOW_BROKER_URL"]) as broker:
        held = cast("Mapping[bytes, bytes]", broker.hgetall(CLAIMS_KEY))
    claims = map(decode_claim, held.values())
    return {int(claim.worker.rpartition(":")[2]) for claim in claims if claim.begun}


async def at_work(stack: Stack, *workers: WorkerProcess) -> None:
    """Wait until one of the workers has begun a task."""
    pids = {worker.pid for worker in workers}
    deadline_s = time.monotonic() + RECOVERY_S
    while not pids & workers_at_work(stack):
        assert time.monotonic() < deadline_s, [worker.said for worker in workers]
        await asyncio.sleep(0.02)


async def pending(services: Services) -> int:
    """How many records the live generation lacks."""
    head = await services.ledger.collections.head(COLLECTION)
    return await services.ledger.documents.backlog(head.live)


async def until_indexed(services: Services, within_s: float = RECOVERY_S) -> float:
    """Wait until nothing is pending, whoever does it; returns how long that took."""
    started_s = time.monotonic()
    while left := await pending(services):
        assert time.monotonic() - started_s < within_s, f"{left} documents wait still"
        await asyncio.sleep(0.1)
    return time.monotonic() - started_s


async def converged(services: Services) -> State:
    """Both engines hold what the ledger holds, and nothing else."""
    state = await state_of(services, COLLECTION)
    check_congruent(state)
    return state
