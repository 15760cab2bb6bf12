"""OpenSearch behind the ledger's port."""

from collections.abc import AsyncIterator

import pytest

from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from tests.ledger.conformance import CollectionConformance
from tests.ledger.document_conformance import DocumentConformance
from tests.ledger.lease_conformance import AuditConformance, LeaseConformance
from tests.ledger.mark_conformance import MarkConformance
from tests.ledger.restore_conformance import RestoreConformance

pytestmark = pytest.mark.servers


class TestOpenSearchLedger(
    CollectionConformance,
    DocumentConformance,
    MarkConformance,
    LeaseConformance,
    AuditConformance,
    RestoreConformance,
):
    """Every sentence of the port."""

    @pytest.fixture
    async def ledger(
        self, client: OpenSearchClient, layout: Layout
    ) -> AsyncIterator[OpenSearchLedger]:
        """A ledger of its own in the node."""
        ledger = OpenSearchLedger(client, layout)
        yield ledger
        await ledger.close()
