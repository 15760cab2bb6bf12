"""Servers for the tests of a module, and an empty stack for each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ingestion.stack import Servers, Stack, servers
from tests.servers.redis import RedisServer, redis_server

__all__ = ["redis_server"]


@pytest.fixture(scope="module")
def shared_servers(opensearch_url: str) -> Iterator[Servers]:
    """They run on; tests leave them unharmed."""
    with servers(opensearch_url) as started:
        yield started


@pytest.fixture
def stack(shared_servers: Servers, redis_server: RedisServer, tmp_path: Path) -> Iterator[Stack]:
    """Empty, with a broker of its own, and nobody ingests into it yet."""
    with ExitStack() as opened:
        yield Stack(tmp_path, shared_servers.environment(redis_server), opened)
