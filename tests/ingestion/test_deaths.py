"""What befalls a worker, the broker or who hands out costs no document."""

import asyncio
import signal
import subprocess
import sys
import time

import pytest
import redis

from indexer.draft import Draft
from indexer.service import Indexer
from services.assembly import open_services
from tests.conftest import REPOSITORY
from tests.ingestion.stack import (
    COLLECTION,
    RECOVERY_S,
    TASK_DOCUMENTS,
    IngestWorker,
    OddWorker,
    Stack,
    at_work,
    converged,
    drafts,
    until_indexed,
)

# A busy machine takes long to start a process, and these start many.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

DOCUMENTS = 6 * TASK_DOCUMENTS


async def test_a_killed_workers_tasks_are_done_by_another(stack: Stack) -> None:
    """Redis would hand them on after an hour."""
    slow = stack.started(OddWorker, ODD_PAUSE_S="30")
    settings = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(settings) as services, Indexer(services) as indexer:
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(DOCUMENTS))
        await at_work(stack, slow)
        stack.started()
        slow.kill()
        await until_indexed(services)
        await converged(services)
        assert not await indexer.dead_letters(COLLECTION)


async def test_a_document_that_kills_its_worker_becomes_a_dead_letter(stack: Stack) -> None:
    """After three deaths, of whoever starts the worker again; the others are indexed."""
    poison = drafts(DOCUMENTS)[TASK_DOCUMENTS + 1].id
    # This process would survive it, and may be quicker than the worker.
    settings = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(settings) as services, Indexer(services) as indexer:
        worker = stack.started(OddWorker, ODD_POISON=poison)
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(DOCUMENTS))
        deaths = 0
        deadline_s = time.monotonic() + RECOVERY_S
        while not (letters := await indexer.dead_letters(COLLECTION)):
            assert time.monotonic() < deadline_s, worker.said
            if worker.ended:
                deaths += 1
                assert deaths <= 3
                worker.start()
            await asyncio.sleep(0.1)
        assert deaths == 3
        assert [letter.document_id for letter in letters] == [poison]
        assert "death of the worker" in letters[0].reason
        await until_indexed(services)
        # A new version of it is tried again, by a worker that survives it.
        worker.kill()
        stack.started()
        await indexer.put(COLLECTION, [Draft(poison, "An antidote.", language="en")])
        await until_indexed(services)
        assert len((await converged(services)).ledger) == DOCUMENTS
        assert not await indexer.dead_letters(COLLECTION)


async def test_a_broker_that_forgets_everything_costs_nothing(stack: Stack) -> None:
    """FLUSHALL while tasks are queued, in hand and on their way back."""
    # Forgotten too is who lives: whoever hands out must wait for the workers to say so again,
    # and not do all the work meanwhile, or none would be queued the next time.
    alone = {"ODD_PAUSE_S": "0.3", "WINNOW_INGEST_IN_PROCESS": "false"}
    workers = [stack.started(OddWorker, **alone) for _ in range(2)]
    settings = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(settings) as services, Indexer(services) as indexer:
        await indexer.create_collection(COLLECTION, language="en")
        with redis.Redis.from_url(stack.environment["WINNOW_BROKER_URL"]) as broker:
            for day in range(3):
                # Written anew: quick workers may have done all that the last time left.
                changed = f"The tide of day {{0}}, told {day} times."
                await indexer.put(COLLECTION, drafts(DOCUMENTS, changed))
                await at_work(stack, *workers)
                broker.flushall()
                await asyncio.sleep(0.4)
        await until_indexed(services)
        await converged(services)
        assert not await indexer.dead_letters(COLLECTION)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_who_hands_out_dies_and_another_goes_on(stack: Stack, number: signal.Signals) -> None:
    """One that is stopped and goes on later writes nothing: its lease is another's."""
    worker = stack.started(OddWorker, ODD_PAUSE_S="0.5")
    command = [sys.executable, "-m", "tests.ingestion.handing_out", str(DOCUMENTS)]
    environment = worker.environment | {"WINNOW_INGEST_IN_PROCESS": "false"}
    leader = subprocess.Popen(  # noqa: ASYNC220  # it only starts it
        command, cwd=REPOSITORY, env=environment
    )
    try:
        async with open_services(stack.settings) as services:
            await at_work(stack, worker)
            leader.send_signal(number)
            await until_indexed(services)
            leader.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.5)
            await converged(services)
    finally:
        leader.kill()
        leader.wait()


async def test_a_worker_that_is_told_to_stop_finishes_what_it_has(stack: Stack) -> None:
    """No attempt is counted as failed, and another takes what it leaves."""
    leaving = stack.started(OddWorker, ODD_PAUSE_S="1")
    async with open_services(stack.settings) as services, Indexer(services) as indexer:
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(DOCUMENTS))
        await at_work(stack, leaving)
        stack.started(IngestWorker)
        leaving.signal(signal.SIGTERM)
        assert await leaving.exit_code() == 0
        assert services.ingest_queue is not None
        head = await services.ledger.collections.head(COLLECTION)
        assert not (await services.ingest_queue.attempts(head.live)).failed
        await until_indexed(services)
        await converged(services)
