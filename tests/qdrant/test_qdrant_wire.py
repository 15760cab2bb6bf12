"""The store over gRPC: every request and answer through a real socket, and a peer that dies."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.assembly import open_services
from services.documents import Value
from services.errors import BackendUnavailable
from services.filters import Filter
from services.ports.vectors import VectorIndex
from services.qdrant import QdrantConfiguration, QdrantStore, connect
from services.queries import Scope
from services.settings import Settings
from tests.qdrant.stores import GIVEN, LOCAL_MODE, qdrant_store
from tests.servers.qdrant_wire import qdrant_wire
from tests.vectors.conformance import VectorStoreConformance
from tests.vectors.examples import direction, entry, generation, query
from tests.vectors.filtering import DOCUMENTS, FILTERS, METADATA, compare, write_documents
from tests.vectors.token_conformance import TokenVectorConformance

pytestmark = [*LOCAL_MODE]

REPOSITORY = Path(__file__).resolve().parents[2]
HURRIED = QdrantConfiguration(read_timeout_s=1.0, write_timeout_s=1.0)


@asynccontextmanager
async def store_on(
    port: int, configuration: QdrantConfiguration | None = None
) -> AsyncIterator[QdrantStore]:
    """A store that asks over gRPC only: nothing listens at its HTTP port."""
    chosen = configuration or QdrantConfiguration()
    store = QdrantStore(connect("http://127.0.0.1:1", chosen, grpc_port=port), chosen)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def grpc_store() -> AsyncIterator[QdrantStore]:
    """A store without collections, over gRPC: on the given server, else on local mode's wire."""
    if GIVEN is not None and GIVEN.grpc_port:
        async with qdrant_store(grpc_port=GIVEN.grpc_port) as (store, _):
            yield store
    else:
        async with qdrant_wire() as port, store_on(port) as store:
            yield store


class TestQdrantStoreOverGrpc(VectorStoreConformance, TokenVectorConformance):
    """The port's rules, over the wire."""

    if GIVEN is None:
        # Hundreds of points take local mode seconds, and show nothing about the wire.
        test_many_ties_beyond_the_depth = None  # type: ignore[assignment]
        test_max_sim_of_a_wide_window = None  # type: ignore[assignment]

    @pytest.fixture
    async def store(self) -> AsyncIterator[QdrantStore]:
        """A store without collections."""
        async with grpc_store() as store:
            yield store


@examples(max_examples=8, deadline=None)
@given(
    held=st.lists(METADATA, min_size=1, max_size=DOCUMENTS),
    asked=st.lists(FILTERS, min_size=1, max_size=12),
)
async def test_filters_survive_the_wire(
    held: list[Mapping[str, Value]], asked: list[Filter]
) -> None:
    """Empty lists, dates of any century, large integers, keys of any characters."""
    async with grpc_store() as store:
        index = await store.open(generation())
        await write_documents(index, held, 1)
        await compare(index, held, asked)


@pytest.fixture
def process() -> Iterator["_Process"]:
    """A peer that can be killed and stopped, started."""
    peer = _Process()
    peer.start()
    yield peer
    peer.kill()


class _Process:
    """The wire in a process of its own, on one port for ever."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.qdrant_wire", str(self.port)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


async def _until_up(store: QdrantStore) -> None:
    async with asyncio.timeout(60):  # the peer's imports take seconds on a busy machine
        while True:
            try:
                return await store.ping()
            except BackendUnavailable:
                await asyncio.sleep(0.05)


async def _fails(index: VectorIndex) -> None:
    with pytest.raises(BackendUnavailable):
        await index.search(query(1.0), Scope(), 5)
    with pytest.raises(BackendUnavailable):
        await index.write([entry("b", [direction(1.0)])], [])


async def test_a_peer_that_hangs_or_dies_is_used_again_once_it_is_back(process: _Process) -> None:
    """Stopped, resumed, killed, started again: errors meanwhile, and no restart of ours."""
    async with store_on(process.port, HURRIED) as store:
        await _until_up(store)
        index = await store.open(generation())
        await index.write([entry("a", [direction(1.0)])], [])
        process.signal(signal.SIGSTOP)
        await _fails(index)
        process.signal(signal.SIGCONT)
        await _until_up(store)
        assert await index.search(query(1.0), Scope(), 5)
        process.kill()
        await _fails(index)
        process.start()
        await _until_up(store)
        with pytest.raises(BackendUnavailable):  # this peer forgets its collections
            await index.search(query(1.0), Scope(), 5)


async def test_the_settings_lead_to_the_server(tmp_path: Path) -> None:
    """Opened with everything else, and no vector is kept in the data directory."""
    async with qdrant_wire() as port:
        settings = Settings(
            data_dir=tmp_path,
            bi_encoder="",
            cross_encoder="",
            qdrant_url="http://127.0.0.1:1",
            qdrant_grpc_port=port,
            qdrant_prefix="shelf",
        )
        async with open_services(settings) as services:
            await services.vectors.ping()
            index = await services.vectors.open(generation())
            await index.write([entry("a", [direction(1.0)])], [])
            assert await index.search(query(1.0), Scope(), 5)
        client = connect("http://127.0.0.1:1", HURRIED, grpc_port=port)
        (found,) = (await client.get_collections()).collections
        assert found.name == "shelf-default--g1"
        await client.close()
    assert not (tmp_path / "vectors").exists()
