"""OpenSearch behind the ledger's port."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.collections import Collection
from services.errors import LeaseLost
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from tests.ledger.conformance import CollectionConformance
from tests.ledger.document_conformance import DocumentConformance
from tests.ledger.examples import generation, put
from tests.ledger.key_conformance import KeyConformance
from tests.ledger.lease_conformance import AuditConformance, LeaseConformance
from tests.ledger.mark_conformance import MarkConformance
from tests.ledger.restore_conformance import RestoreConformance
from tests.opensearch.faulty_node import Fault, Hold, faulty_node

pytestmark = pytest.mark.servers


class TestOpenSearchLedger(
    CollectionConformance,
    DocumentConformance,
    MarkConformance,
    LeaseConformance,
    AuditConformance,
    KeyConformance,
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


async def test_who_is_stopped_before_the_write_of_its_marks_undoes_nothing(
    opensearch_url: str, layout: Layout
) -> None:
    """Its lease was looked at, and is lost when it goes on: what was done since stays."""
    async with faulty_node(opensearch_url) as node:
        theirs = OpenSearchLedger(OpenSearchClient(node.url), layout)
        ours = OpenSearchLedger(OpenSearchClient(opensearch_url), layout)
        live = generation("g1")
        await ours.collections.create(Collection("books"), live)
        await ours.documents.accept("books", [put("a"), put("b"), put("c")])
        lease = await theirs.leases.acquire("index:books", "stopped", 60)
        assert lease is not None
        stopped = Hold()
        node.faults.append(Fault("_bulk", hold=stopped))
        marking = asyncio.create_task(
            theirs.documents.mark(live, {"a": 1, "b": 1, "c": 1}, fence=lease)
        )
        await stopped.met.wait()
        # Another takes over; indexes; finds that an engine has lost a document again.
        await ours.leases.release(lease)
        newer = await ours.leases.acquire("index:books", "other", 60)
        await ours.documents.mark(live, {"a": 1, "b": 1}, fence=newer)
        assert await ours.documents.unmark(live, ["a"]) == 1
        second = generation("g2")
        await ours.collections.put_generation(second)
        await ours.documents.mark(second, {"a": 1, "b": 1, "c": 1}, fence=newer)
        stopped.goes_on.set()
        with pytest.raises(LeaseLost):
            await marking
        assert await ours.documents.marks(live, ["a", "b", "c"]) == {"b": 1}
        assert await ours.documents.marks(second, ["a", "b", "c"]) == {"a": 1, "b": 1, "c": 1}
        await theirs.close()
        await ours.close()
