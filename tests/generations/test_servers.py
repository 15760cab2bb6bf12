"""Generations on the server stack: a real OpenSearch, and Qdrant as far as it is to be had."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.assembly import Services, open_services
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from services.opensearch.lexical import OpenSearchStore
from tests.generations.conformance import GenerationConformance
from tests.indexer.conftest import settings_in
from tests.opensearch.conftest import client, layout
from tests.qdrant.stores import LOCAL_MODE, qdrant_store

__all__ = ["client", "layout"]

pytestmark = [pytest.mark.servers, *LOCAL_MODE]


class TestServers(GenerationConformance):
    """OpenSearch for words and the ledger, Qdrant for vectors."""

    @pytest.fixture
    async def services(
        self, tmp_path: Path, client: OpenSearchClient, layout: Layout
    ) -> AsyncIterator[Services]:
        """Stores of the test's own, in place of the embedded ones."""
        settings = settings_in(tmp_path / uuid.uuid4().hex, deadline_ms=60_000)
        async with open_services(settings) as opened, qdrant_store() as (vectors, _):
            ledger, lexical = OpenSearchLedger(client, layout), OpenSearchStore(client, layout)
            yield replace(opened, ledger=ledger, lexical=lexical, vectors=vectors)
