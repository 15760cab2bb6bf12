"""A part of the run's OpenSearch node for each test."""

import uuid
from collections.abc import AsyncIterator

import pytest

from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout


@pytest.fixture
async def client(opensearch_url: str) -> AsyncIterator[OpenSearchClient]:
    """A pool of connections."""
    client = OpenSearchClient(opensearch_url)
    yield client
    await client.close()


@pytest.fixture
async def layout(opensearch_url: str) -> AsyncIterator[Layout]:
    """A prefix of the test's own; its indexes are removed afterwards."""
    layout = Layout(prefix=f"test-{uuid.uuid4().hex[:12]}")
    yield layout
    sweeper = OpenSearchClient(opensearch_url)
    await sweeper.send("DELETE", f"/{layout.prefix}-*", expand_wildcards="all")
    await sweeper.close()
