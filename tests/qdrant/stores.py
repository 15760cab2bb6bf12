"""A Qdrant to test with: the client's local mode, or the server of WINNOW_TEST_QDRANT_URL.

Local mode has no graph, no payload indexes, no quantization and keeps float16 as float32:
what those do to an answer only a server shows. It also works inside the event loop, so
nothing about time can be learned from it.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient

from services.qdrant import QdrantConfiguration, QdrantStore, connect

URL = os.environ.get("WINNOW_TEST_QDRANT_URL", "")
GRPC_PORT = int(os.environ.get("WINNOW_TEST_QDRANT_GRPC_PORT", "0"))

LOCAL_MODE = (
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
)
"""It warns of what it leaves out."""


class Hesitant(AsyncQdrantClient):
    """A local mode that gives way before each request, as a network would.

    Without it local mode never gives up the event loop: no two writers would ever meet.
    """

    def __init__(self, client: AsyncQdrantClient, pauses: Iterator[int]) -> None:
        """Shares a client's points; ``pauses`` says how long each request hesitates."""
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
        for _ in range(next(self._pauses, 0)):
            await asyncio.sleep(0)


def new_client() -> AsyncQdrantClient:
    """Of an empty local mode, or of the server."""
    if URL:
        return connect(URL, QdrantConfiguration(), grpc_port=GRPC_PORT)
    return AsyncQdrantClient(location=":memory:")


@asynccontextmanager
async def qdrant_store(
    configuration: QdrantConfiguration | None = None,
) -> AsyncIterator[tuple[QdrantStore, AsyncQdrantClient]]:
    """An empty store and its client; collections have names of their own and go at the end."""
    chosen = configuration or QdrantConfiguration()
    own = replace(chosen, prefix=f"winnow-test-{uuid.uuid4().hex[:12]}")
    client = new_client()
    store = QdrantStore(client, own)
    try:
        yield store, client
    finally:
        for found in (await client.get_collections()).collections:
            if found.name.startswith(own.prefix):
                await client.delete_collection(found.name)
        await store.close()
