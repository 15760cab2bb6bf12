"""The connection to a server."""

import math

import httpx
from qdrant_client import AsyncQdrantClient

from services.errors import InvalidInput
from services.qdrant.configuration import QdrantConfiguration

# gRPC would wait up to two minutes before it tries a server again that was away, and would
# never notice a peer that went without a word.
_GRPC_OPTIONS = {
    "grpc.initial_reconnect_backoff_ms": 200,
    # Also what one attempt to connect may take.
    "grpc.min_reconnect_backoff_ms": 2_000,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 5_000,
}


def connect(
    url: str, configuration: QdrantConfiguration, *, api_key: str = "", grpc_port: int = 6334
) -> AsyncQdrantClient:
    """A client of the server; nothing is sent yet.

    Args:
        url: where Qdrant's HTTP API is, ``http://host:6333``.
        grpc_port: of the same host, for vectors without the cost of JSON; 0 for HTTP only.

    Raises:
        InvalidInput: the URL is not of HTTP.
    """
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"WINNOW_QDRANT_URL is not a URL such as http://host:6333: {url[:80]!r}")
    longest_s = max(configuration.read_timeout_s, configuration.write_timeout_s)
    try:
        return AsyncQdrantClient(
            url=url,
            prefer_grpc=bool(grpc_port),
            grpc_port=grpc_port,
            grpc_options=dict(_GRPC_OPTIONS),
            # The client's own parameter warns where the connection is not encrypted.
            headers={"api-key": api_key} if api_key else None,
            timeout=math.ceil(longest_s),
            # It warns from a thread of its own; the store asks for the version itself.
            check_compatibility=False,
            # By default it opens a new connection for each request to this machine.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )
    except ValueError as error:
        raise InvalidInput(f"WINNOW_QDRANT_URL is not valid: {error}") from None
