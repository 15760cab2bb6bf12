"""The Qdrant server that ``WINNOW_TEST_QDRANT_URL`` names, where one is at hand.

``WINNOW_TEST_QDRANT_GRPC_PORT`` names its other port where that is not the next one
(6334 beside 6333).
"""

import asyncio
import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.qdrant import QdrantConfiguration, connect

_HTTP_PORT = 6_333
_CONNECT_S = 2.0


@dataclass(frozen=True, slots=True)
class GivenQdrant:
    """A server that is somebody else's: what a test makes there, it removes."""

    host: str
    port: int
    grpc_port: int
    """0 where nothing listens there."""

    @property
    def url(self) -> str:
        """Of its HTTP interface."""
        return f"http://{self.host}:{self.port}"

    def remove(self, prefix: str) -> None:
        """Remove every collection whose name begins so."""
        asyncio.run(self._remove(prefix))

    async def _remove(self, prefix: str) -> None:
        client = connect(self.url, QdrantConfiguration(), grpc_port=0)
        for found in (await client.get_collections()).collections:
            if found.name.startswith(prefix):
                await client.delete_collection(found.name)
        await client.close()


def given_qdrant() -> GivenQdrant | None:
    """None where no server is named."""
    given = urlsplit(os.environ.get("WINNOW_TEST_QDRANT_URL", ""))
    if not given.hostname:
        return None
    port = given.port or _HTTP_PORT
    told = os.environ.get("WINNOW_TEST_QDRANT_GRPC_PORT")
    grpc_port = int(told) if told else port + 1
    if not _listens(given.hostname, grpc_port):
        grpc_port = 0
    return GivenQdrant(given.hostname, port, grpc_port)


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return True
    except OSError:
        return False
