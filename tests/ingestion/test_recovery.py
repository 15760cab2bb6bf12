"""A worker's death, or a leader's, is noticed and made good within ten seconds."""

import time

import pytest

from indexer import draining, handing_out
from indexer.service import Indexer
from services.assembly import open_services
from services.celery import claims, ingestion
from services.settings import Settings
from tests.ingestion.stack import (
    COLLECTION,
    TASK_DOCUMENTS,
    IngestWorker,
    OddWorker,
    Stack,
    at_work,
    converged,
    drafts,
    until_indexed,
)
from workers import health

PROMISED_S = 10.0
# What is promised, and a busy machine's share: without a fault it takes some six seconds.
MEASURED_S = 15.0


def test_the_clocks_of_the_protocol_add_up_to_less() -> None:
    """From a worker's last sign of life until its documents are another's, at the longest."""
    noticed_s = claims.SILENCE_S + ingestion.LOOK_S
    # Its claim is gone: whoever waits for the task gives it a moment, then looks once more.
    handed_out_s = noticed_s + 2 * ingestion.LOOK_S + handing_out.LOOK_S
    assert handed_out_s < PROMISED_S
    # A heartbeat may be late three times before a living worker counts as dead.
    assert claims.SILENCE_S > 3 * health.BEAT_S


def test_the_clocks_of_the_lease_add_up_to_less() -> None:
    """From the last sign of who hands out until another process looks at the collection."""
    lease_s = Settings.model_fields["index_lease_ms"].default / 1_000
    assert lease_s + draining.LOOK_S < PROMISED_S


@pytest.mark.servers
@pytest.mark.timeout(600)
async def test_a_dead_workers_documents_are_indexed_soon(stack: Stack) -> None:
    """Another worker stands by: from the kill to an empty backlog."""
    doomed = stack.started(OddWorker, ODD_PAUSE_S="600")
    settings = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(settings) as services, Indexer(services) as indexer:
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(TASK_DOCUMENTS))
        await at_work(stack, doomed)
        stack.started(IngestWorker)
        killed_s = time.monotonic()
        doomed.kill()
        await until_indexed(services)
        took_s = time.monotonic() - killed_s
        await converged(services)
        assert took_s < MEASURED_S
