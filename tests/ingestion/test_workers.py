"""Workers ingest side by side; without them the process that serves does it itself."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from indexer.service import Indexer
from services.assembly import open_services
from services.celery.app import INGEST, INGEST_TASK, queue_name
from services.celery.codec import Failed, decode_reply
from services.celery.connection import INGEST_WORKERS_KEY, REPLIES_PREFIX
from services.celery.publisher import Publisher
from services.errors import BackendUnavailable
from tests.conftest import REPOSITORY, Winnow
from tests.infra.compose import services as services_of_compose
from tests.ingestion.stack import (
    COLLECTION,
    TASK_DOCUMENTS,
    IngestWorker,
    OddWorker,
    Stack,
    converged,
    drafts,
    pending,
    until_indexed,
    workers_at_work,
)
from tests.servers.redis import RedisServer
from tests.workers.planted import planted_message

# A busy machine takes long to start a process, and these start many.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

DOCUMENTS = 10 * TASK_DOCUMENTS


async def test_two_workers_share_the_work(stack: Stack) -> None:
    """Both have tasks in hand at once; the process that hands out embeds nothing itself."""
    for _ in range(2):
        stack.started(OddWorker, ODD_PAUSE_S="0.3")
    settings = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(DOCUMENTS))
        indexing = asyncio.create_task(indexer.index_pending(COLLECTION))
        together = 0
        while not indexing.done():
            together = max(together, len(workers_at_work(stack)))
            await asyncio.sleep(0.05)
        # A worker may have led, so the report need not be this process's.
        assert not (await indexing).dead_letters
        assert len((await converged(services)).ledger) == DOCUMENTS
        assert together == 2
        await indexer.delete(COLLECTION, ["log/00003"])
        await indexer.index_pending(COLLECTION)
        assert len((await converged(services)).ledger) == DOCUMENTS - 1
        await indexer.close()


async def test_a_worker_goes_on_without_anybody_to_hand_out(stack: Stack) -> None:
    """What a command stored before it died is indexed with no API anywhere; then it leaves."""
    worker = stack.started()
    async with open_services(stack.settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(2 * TASK_DOCUMENTS))
        await indexer.close()
        await until_indexed(services)
        await converged(services)
    assert _is_healthy(stack)
    worker.signal(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert not _is_healthy(stack)
    with redis.Redis.from_url(stack.environment["WINNOW_BROKER_URL"]) as broker:
        assert broker.hlen(INGEST_WORKERS_KEY) == 0


def _is_healthy(stack: Stack) -> bool:
    """What the compose file's health check of the service says."""
    check = services_of_compose()["ingest"]
    assert check["command"] == ["winnow", *IngestWorker.arguments[-3:]]
    script = REPOSITORY / Path(check["healthcheck"]["test"][-1]).relative_to("/app")
    environment = os.environ | {"WINNOW_BROKER_URL": stack.environment["WINNOW_BROKER_URL"]}
    environment |= {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, check=False
    )
    return done.returncode == 0


async def test_without_a_worker_the_process_indexes_itself(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, unless a setting forbids it: then documents wait, and that is said."""
    async with open_services(stack.settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(3))
        assert (await indexer.index_pending(COLLECTION)).documents == 3
        assert "No worker ingests: this process indexes by itself" in caplog.text
        await indexer.put(COLLECTION, drafts(4))
        await indexer.close()
    forbidden = stack.settings.model_copy(update={"ingest_in_process": False})
    async with open_services(forbidden) as services:
        indexer = Indexer(services)
        with pytest.raises(BackendUnavailable, match="winnow worker --queues ingest"):
            await indexer.index_pending(COLLECTION)
        assert await pending(services) == 1
        await indexer.close()


async def test_planted_messages_are_refused(stack: Stack, tmp_path: Path) -> None:
    """A pickle is not read, what cannot be understood is answered, and the worker goes on."""
    worker = stack.started()
    harm = tmp_path / "harm"
    url = stack.environment["WINNOW_BROKER_URL"]
    channel = f"{REPLIES_PREFIX}{uuid4().hex}"
    publisher = Publisher(url)
    with redis.Redis.from_url(url, socket_timeout=60) as broker:
        broker.lpush(queue_name(INGEST), planted_message(INGEST, INGEST_TASK, harm))
        for reply_to, payload in (("elsewhere", '{"v": 1}'), (channel, '{"v": 2}')):
            await publisher.publish(
                INGEST_TASK,
                payload,
                queue=INGEST,
                task_id=f"to-{reply_to}",
                reply_to=reply_to,
                expires_s=None,
                within_s=10,
            )
        answer = await asyncio.to_thread(broker.blpop, [channel], 50)
        assert isinstance(answer, (list, tuple))
        reply = decode_reply(answer[1])
        assert isinstance(reply, Failed)
        assert reply.slug == "invalid-input"
        assert not broker.exists("elsewhere")
    await publisher.close()
    assert "ContentDisallowed" in worker.said
    assert not harm.exists()
    async with open_services(stack.settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(2))
        await until_indexed(services)
        await indexer.close()


def test_a_worker_that_ingests_needs_servers(winnow: Winnow, redis_server: RedisServer) -> None:
    """Embedded stores have one owner: it says what to set, and ends with 2."""
    done = winnow("worker", "--queues", "rerank,ingest", WINNOW_BROKER_URL=redis_server.url)
    assert done.code == 2
    assert "WINNOW_OPENSEARCH_URL" in done.err
