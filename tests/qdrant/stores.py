"""A Qdrant to test with: the client's local mode, or the server of WINNOW_TEST_QDRANT_URL.

Local mode has no graph, no payload indexes, no quantization and keeps float16 as float32:
what those do to an answer only a server shows. It also works inside the event loop, so
nothing about time can be learned from it.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient

from services.qdrant import QdrantConfiguration, QdrantStore, connect
from tests.servers.given_qdrant import given_qdrant

GIVEN = given_qdrant()

LOCAL_MODE = (
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
)
"""It warns of what it leaves out."""


class Gate:
    """Holds a request back until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()


class Hesitant(AsyncQdrantClient):
    """A client that waits before each request to read or write points.

    Without it local mode never gives up the event loop: no two writers would ever meet.
    """

    def __init__(self, client: AsyncQdrantClient, pauses: Iterator[int | Gate]) -> None:
        """Shares a client's points; ``pauses``: for each request a gate, or turns of the loop."""
        super().__init__(location=":memory:")
        self._client = client._client
        self._pauses = pauses

    async def batch_update_points(self, *arguments: Any, **named: Any) -> Any:
        """Late, as told."""
        await self._hesitate()
        return await super().batch_update_points(*arguments, **named)

    async def retrieve(self, *arguments: Any, **named: Any) -> Any:
        """Late, as told."""
        await self._hesitate()
        return await super().retrieve(*arguments, **named)

    async def _hesitate(self) -> None:
        pause = next(self._pauses, 0)
        if isinstance(pause, Gate):
            pause.reached.set()
            await pause.opened.wait()
            return
        for _ in range(pause):
            await asyncio.sleep(0)


def new_client(grpc_port: int = 0) -> AsyncQdrantClient:
    """Of an empty local mode, or of the server: over HTTP, or over gRPC where a port is given."""
    if GIVEN is None:
        return AsyncQdrantClient(location=":memory:")
    return connect(GIVEN.url, QdrantConfiguration(), grpc_port=grpc_port)


@asynccontextmanager
async def qdrant_store(
    configuration: QdrantConfiguration | None = None, grpc_port: int = 0
) -> AsyncIterator[tuple[QdrantStore, AsyncQdrantClient]]:
    """An empty store and its client; collections have names of their own and go at the end."""
    chosen = configuration or QdrantConfiguration()
    own = replace(chosen, prefix=f"winnow-test-{uuid.uuid4().hex[:12]}")
    client = new_client(grpc_port)
    store = QdrantStore(client, own)
    try:
        yield store, client
    finally:
        for name in await collections(store, client):
            await client.delete_collection(name)
        await store.close()


async def collections(store: QdrantStore, client: AsyncQdrantClient) -> list[str]:
    """The names of a store's collections; a given server may hold others."""
    names = (found.name for found in (await client.get_collections()).collections)
    return [name for name in names if name.startswith(store._configuration.prefix)]
