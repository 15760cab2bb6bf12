"""The server stack on this machine, every connection through a proxy of its own."""

import asyncio
import itertools
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from cli.application import create_app, open_runtime
from indexer.draft import Draft
from indexer.service import Indexer
from services.assembly import open_services
from services.settings import Settings
from tests.conftest import winnow_in
from tests.faults.parts import Part
from tests.faults.protocols import Http, Opaque, Resp
from tests.faults.proxy import Proxy
from tests.servers.given_qdrant import given_qdrant
from tests.servers.opensearch import opensearch_server
from tests.servers.qdrant import QdrantProcess
from tests.servers.redis import RedisServer
from tests.workers.conftest import WorkerProcess

COLLECTION = "harbour"
DEADLINE_S = 4.0
_DOCUMENTS = 12


class StoppableWorker(WorkerProcess):
    """A worker with the verbs of the servers."""

    def hang(self) -> None:
        """SIGSTOP."""
        import signal

        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        import signal

        self.signal(signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Stack:
    """Every part by name, and the settings that lead to them."""

    parts: Mapping[str, Part]
    settings: Settings


@contextmanager
def server_stack(folder: Path) -> Iterator[Stack]:
    """Start all servers with a small collection in them; stop them at the end."""
    with ExitStack() as opened:
        broker, cache = (_redis(opened, folder / name) for name in ("broker", "cache"))
        ways = {
            "cache": _proxy(opened, cache.port, Resp()),
            "broker": _proxy(opened, broker.port, Resp()),
            "worker": _proxy(opened, broker.port, Resp()),
        }
        parts = {name: Part(ways[name], server) for name, server in
                 (("cache", cache), ("broker", broker))}  # fmt: skip
        parts["worker"] = _worker(opened, folder / "worker", ways["worker"])
        parts["opensearch"] = _opensearch(opened, folder / "opensearch")
        prefix = f"faults-{uuid.uuid4().hex[:8]}"
        parts["qdrant"], grpc_port = _qdrant(opened, folder / "qdrant", prefix)
        settings = Settings(
            data_dir=folder / "data",
            opensearch_url=_url("http", parts["opensearch"]),
            opensearch_prefix=prefix,
            qdrant_url=_url("http", parts["qdrant"]),
            qdrant_grpc_port=grpc_port,
            qdrant_prefix=prefix,
            cache_url=_url("redis", parts["cache"]),
            broker_url=_url("redis", parts["broker"]),
            bi_encoder="hashing",
            cross_encoder="overlap",
            token_dimensions=16,
            deadline_ms=int(DEADLINE_S * 1_000),
            budget_ms=2_000,
        )
        asyncio.run(_fill(settings))
        yield Stack(parts, settings)


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer, how long it took, and what of that this machine had no time for it."""

    status: int
    body: Any
    retry_after: str | None
    took_s: float
    stalled_s: float

    @property
    def degraded(self) -> frozenset[str]:
        """The reasons that it gives."""
        return frozenset(self.body.get("degraded", ()))

    @property
    def normal(self) -> bool:
        """Whether nothing is missing: both legs, late interaction, the cross-encoder."""
        return (
            self.status == 200
            and not self.degraded
            and len(self.body["results"]) == 10
            and "cross_encoder" in self.body["models"]
        )


_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Api:
    """The application of ``winnow serve`` in this process, asked over HTTP."""

    client: httpx.AsyncClient

    async def search(self, **fields: object) -> Answered:
        """A search that nobody has asked before, so that no cache answers it."""
        question = {"query": f"harbour tide {next(_NUMBERS)}"} | fields
        began_s, waited_s = time.monotonic(), waited_for_cpu_s()
        answer = await self.client.post(f"/v1/collections/{COLLECTION}/search", json=question)
        took_s = time.monotonic() - began_s
        retry_after = answer.headers.get("retry-after")
        stalled_s = waited_for_cpu_s() - waited_s
        return Answered(answer.status_code, answer.json(), retry_after, took_s, stalled_s)

    async def until_normal(self, within_s: float) -> None:
        """Search until nothing is missing."""
        deadline_s = time.monotonic() + within_s
        while not (answer := await self.search()).normal:
            assert time.monotonic() < deadline_s, answer
            await asyncio.sleep(0.1)


def waited_for_cpu_s() -> float:
    """How long this thread was ready to run and another had the processor; 0.0 off Linux."""
    told = Path("/proc/thread-self/schedstat")
    return int(told.read_text().split()[1]) / 1e9 if told.exists() else 0.0


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[Api]:
    """Open it, and close it at the end."""
    async with open_runtime(settings) as runtime:
        transport = httpx.ASGITransport(create_app(runtime))
        base = "http://localhost"
        async with httpx.AsyncClient(transport=transport, base_url=base, timeout=60) as client:
            yield Api(client)


async def _fill(settings: Settings) -> None:
    patient = settings.model_copy(update={"deadline_ms": 60_000})
    async with open_services(patient) as services:
        indexer = Indexer(services)
        await indexer.create_collection(COLLECTION, language="en")
        drafts = [
            Draft(f"log/{number}", f"The tide of day {number} filled the harbour.", f"Day {number}")
            for number in range(_DOCUMENTS)
        ]
        await indexer.put(COLLECTION, drafts)
        await indexer.index_pending(COLLECTION)
        await indexer.close()


def _redis(opened: ExitStack, folder: Path) -> RedisServer:
    folder.mkdir()
    return opened.enter_context(RedisServer(folder))


def _proxy(
    opened: ExitStack, port: int, protocol: Http | Resp | Opaque, host: str = "127.0.0.1"
) -> Proxy:
    return opened.enter_context(Proxy(port, protocol, host))


def _worker(opened: ExitStack, folder: Path, proxy: Proxy) -> Part:
    folder.mkdir()
    process = StoppableWorker(winnow_in(folder), f"redis://127.0.0.1:{proxy.port}/0")
    opened.callback(process.kill)
    process.start()
    return Part(proxy, process)


def _opensearch(opened: ExitStack, folder: Path) -> Part:
    given = urlsplit(os.environ.get("WINNOW_TEST_OPENSEARCH_URL", ""))
    if given.hostname:
        return Part(_proxy(opened, given.port or 9_200, Http(), given.hostname))
    folder.mkdir()
    server = opened.enter_context(opensearch_server(folder))
    return Part(_proxy(opened, server.port, Http()), server)


def _qdrant(opened: ExitStack, folder: Path, prefix: str) -> tuple[Part, int]:
    """The part, and the gRPC port that the settings name: 0 where all goes over HTTP."""
    given = given_qdrant()
    if given is not None:
        opened.callback(given.remove, prefix)
        return Part(_proxy(opened, given.port, Http(), given.host)), 0
    server = QdrantProcess(folder)
    opened.callback(server.kill)
    server.start()
    proxy = _proxy(opened, server.port, Opaque())
    refusal = (server.refuse_half, server.refuse_none)
    return Part(proxy, server, refusal), proxy.port


def _url(scheme: str, part: Part) -> str:
    path = "/0" if scheme == "redis" else ""
    return f"{scheme}://127.0.0.1:{part.proxy.port}{path}"
