"""A generation is built on the workers that ingest."""

import asyncio

import pytest

from indexer.generations.orders import Order
from indexer.generations.planning import Changes
from indexer.service import Indexer
from services.assembly import open_services
from services.generations import GenerationState
from tests.ingestion.stack import (
    COLLECTION,
    TASK_DOCUMENTS,
    OddWorker,
    Stack,
    converged,
    drafts,
    workers_at_work,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

DOCUMENTS = 10 * TASK_DOCUMENTS


async def test_a_build_is_shared_and_outlives_a_worker(stack: Stack) -> None:
    """Two have batches of it in hand at once; one is killed; another model is live in the end."""
    steady, doomed = (stack.started(OddWorker, ODD_PAUSE_S="0.3") for _ in range(2))
    settings = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(DOCUMENTS))
        await indexer.index_pending(COLLECTION)
        order = Order(Changes(model="hashing-32"), activate=True)
        made = await indexer.generations.start(COLLECTION, order, "operator")
        building = asyncio.create_task(indexer.index_pending(COLLECTION))
        while workers_at_work(stack) != {steady.pid, doomed.pid}:
            assert not building.done(), "The workers never had the build in hand together."
            await asyncio.sleep(0.05)
        doomed.kill()
        # What reaches the ledger meanwhile reaches both generations.
        await indexer.delete(COLLECTION, ["log/00003"])
        await building
        await indexer.index_pending(COLLECTION)
        standing = await indexer.generations.get(COLLECTION, made.id)
        assert standing.generation.state is GenerationState.LIVE
        assert standing.generation.build.documents >= DOCUMENTS
        assert not standing.dead
        assert len((await converged(services)).ledger) == DOCUMENTS - 1
        for each in await indexer.consistency.verify(COLLECTION):
            assert (each.total, each.pending) == (0, 0)
        await indexer.close()
