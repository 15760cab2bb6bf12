"""One real OpenSearch node for all tests of a run, and a part of it for each test."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from tests.servers.opensearch import CannotStart, opensearch_node


@pytest.fixture(scope="session")
def opensearch_url() -> Iterator[str]:
    """A node's address."""
    try:
        with opensearch_node() as url:
            yield url
    except CannotStart as error:
        pytest.fail(str(error), pytrace=False)


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
