"""OpenSearch behind the lexical port."""

from collections.abc import AsyncIterator

import pytest

from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.lexical import OpenSearchStore
from tests.lexical.conformance import LexicalStoreConformance
from tests.lexical.narrowing_conformance import LexicalNarrowingConformance
from tests.lexical.write_conformance import LexicalWriteConformance

pytestmark = pytest.mark.servers


class TestOpenSearchStore(
    LexicalStoreConformance, LexicalWriteConformance, LexicalNarrowingConformance
):
    """Every sentence of the port."""

    @pytest.fixture
    async def store(
        self, client: OpenSearchClient, layout: Layout
    ) -> AsyncIterator[OpenSearchStore]:
        """A store of its own in the node."""
        store = OpenSearchStore(client, layout)
        yield store
        await store.close()
