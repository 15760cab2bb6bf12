"""Reranking by a worker process: who scored, whose scores, what is refused."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest
import redis

from services.celery.app import RERANK, RERANK_TASK, queue_name
from services.celery.codec import Failed, decode_reply
from services.celery.connection import REPLIES_PREFIX, WORKERS_KEY
from services.celery.publisher import Publisher
from services.celery.reranker import CeleryReranker
from services.errors import BackendUnavailable, InvalidInput
from services.models.loading import load_cross_encoder
from services.models.overlap import OverlapCrossEncoder
from services.settings import Settings
from tests.conftest import REPOSITORY, Winnow, winnow_in
from tests.servers.redis import RedisServer
from tests.workers.conftest import WorkerProcess, ready, request, reranking
from tests.workers.planted import planted_message

pytestmark = pytest.mark.servers

TINY = REPOSITORY / "tests" / "fixtures" / "tiny-cross-encoder"


async def test_another_process_scored(
    shared_redis: RedisServer, shared_worker: WorkerProcess
) -> None:
    """The answer names it, its model and its device; the scores are the model's own."""
    assert f":{shared_worker.pid} reranks with overlap on cpu" in shared_worker.said
    async with reranking(shared_redis.url) as reranker:
        asked = request("tide 3", 20.0)
        result = await reranker.rerank(asked)
        assert result.worker.endswith(f":{shared_worker.pid}")
        assert shared_worker.pid != os.getpid()
        assert (result.model.name, result.model.device) == ("overlap", "cpu")
        expected = OverlapCrossEncoder().score([(asked.query, each) for each in asked.passages])
        assert result.scores == tuple(expected.logits.tolist())
        assert reranker.card == OverlapCrossEncoder().card
        assert reranker.affordable(1.0) > 10
        assert reranker.affordable(1.0, [100, 10**12]) == 1
        assert reranker.affordable(0.0) == 0
        await reranker.ping()


async def test_concurrent_requests_get_their_own_scores(
    shared_redis: RedisServer, shared_worker: WorkerProcess
) -> None:
    """Also those of two API processes at once."""
    model = OverlapCrossEncoder()
    async with reranking(shared_redis.url) as one, reranking(shared_redis.url) as other:
        asked = [request(f"passage {number} tide", 60.0) for number in range(40)]
        results = await asyncio.gather(
            *((one, other)[number % 2].rerank(each) for number, each in enumerate(asked))
        )
    for each, result in zip(asked, results, strict=True):
        expected = model.score([(each.query, passage) for passage in each.passages])
        np.testing.assert_array_equal(np.array(result.scores, np.float32), expected.logits)


async def test_a_planted_pickle_is_refused(
    shared_redis: RedisServer, shared_worker: WorkerProcess, tmp_path: Path
) -> None:
    """It is not run, and the worker goes on."""
    harm = tmp_path / "harm"
    with redis.Redis.from_url(shared_redis.url) as client:
        client.lpush(queue_name(RERANK), planted_message(RERANK, RERANK_TASK, harm))
        async with reranking(shared_redis.url) as reranker:
            await ready(reranker, shared_worker.pid)
        assert client.llen(queue_name(RERANK)) == 0
    assert "ContentDisallowed" in shared_worker.said
    assert not harm.exists()


async def test_unreadable_requests_are_answered_and_replies_go_nowhere_else(
    shared_redis: RedisServer, shared_worker: WorkerProcess
) -> None:
    """A newer API learns at once that this worker does not speak its version."""
    channel = f"{REPLIES_PREFIX}{uuid4().hex}"
    publisher = Publisher(shared_redis.url)
    for reply_to, payload in (("elsewhere", '{"v": 1}'), (channel, '{"v": 2}')):
        await publisher.publish(
            RERANK_TASK,
            payload,
            queue=RERANK,
            task_id=f"to-{reply_to}",
            reply_to=reply_to,
            expires_s=60,
        )
    with redis.Redis.from_url(shared_redis.url, socket_timeout=40) as client:
        answer = await asyncio.to_thread(client.blpop, [channel], 30)
        assert isinstance(answer, (list, tuple))
        reply = decode_reply(answer[1])
        assert isinstance(reply, Failed)
        assert (reply.id, reply.slug) == (f"to-{channel}", "invalid-input")
        assert client.exists("elsewhere") == 0
    await publisher.close()


async def test_without_workers_a_query_is_told_at_once(redis_server: RedisServer) -> None:
    """Not after its budget, whether the broker runs or not."""
    reranker = await CeleryReranker.open(redis_server.url, "some/model")
    assert reranker.card.name == "some/model"
    assert reranker.affordable(1.0) == 1
    for _ in range(2):
        started_s = time.monotonic()
        with pytest.raises(BackendUnavailable):
            await reranker.rerank(request("q", 30.0))
        assert time.monotonic() - started_s < 5
        with pytest.raises(BackendUnavailable, match="winnow worker"):
            await reranker.ping()
        redis_server.kill()
    await reranker.close()


async def test_a_url_that_is_no_redis_is_refused() -> None:
    """With the form that it must have."""
    with pytest.raises(InvalidInput, match="redis://"):
        await CeleryReranker.open("amqp://localhost", "some/model")


def test_a_worker_needs_its_broker(winnow: Winnow) -> None:
    """It says so: 2 where none is named or the queue is unknown, 4 where it is away."""
    done = winnow("worker")
    assert done.code == 2
    assert "WINNOW_BROKER_URL" in done.err
    done = winnow("worker", "--queues", "tea", WINNOW_BROKER_URL="redis://127.0.0.1:1/0")
    assert done.code == 2
    assert "--queues rerank" in done.err
    done = winnow("worker", WINNOW_BROKER_URL="redis://127.0.0.1:1/0")
    assert done.code == 4
    assert "broker cannot be reached" in done.err


def test_a_search_names_the_worker(
    winnow: Winnow, shared_redis: RedisServer, shared_worker: WorkerProcess
) -> None:
    """Through the whole pipeline, in a process that loads no cross-encoder."""
    (winnow.folder / "tides.md").write_text("# Tides\n\nThe moon pulls the sea.")
    assert winnow("ingest", str(winnow.folder)).code == 0
    done = winnow("search", "moon", "--json", WINNOW_BROKER_URL=shared_redis.url)
    answer = done.json()
    assert answer["degraded"] == []
    assert answer["reranked"]
    assert answer["models"]["cross_encoder"]["worker"].endswith(f":{shared_worker.pid}")
    done = winnow("search", "moon", "--json", WINNOW_BROKER_URL="redis://127.0.0.1:1/0")
    answer = done.json()
    assert done.code == 0
    assert answer["degraded"] == ["reranker_unavailable"]
    assert not answer["reranked"]
    assert [result["title"] for result in answer["results"]] == ["Tides"]


def test_doctor_and_readiness_tell_whether_there_is_a_worker(
    winnow: Winnow, shared_redis: RedisServer, shared_worker: WorkerProcess
) -> None:
    """A server without one serves all the same."""
    done = winnow("doctor", "--json", WINNOW_BROKER_URL=shared_redis.url)
    assert done.code == 0
    assert done.json()["models"]["cross_encoder"] == "overlap (numpy, cpu, fp32)"
    done = winnow("doctor", WINNOW_BROKER_URL="redis://127.0.0.1:1/0")
    assert done.code == 4
    assert "winnow worker" in done.out + done.err
    server = winnow.start("serve", "--port", "0", WINNOW_BROKER_URL="redis://127.0.0.1:1/0")
    try:
        assert server.stderr is not None
        line = next(line for line in server.stderr if b"http://" in line).decode()
        url = re.search(r"http://[^ ]+", line)
        assert url is not None
        answer = httpx.get(f"{url[0]}/readyz", timeout=30)
        assert answer.status_code == 200
        assert "winnow worker" in answer.json()["missing_models"]["cross_encoder"]
    finally:
        server.terminate()
        server.communicate(timeout=60)


async def test_weights_give_the_same_scores_on_a_worker(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """A trained cross-encoder, here and there; the worker leaves when it is told to."""
    settings = Settings(cross_encoder=str(TINY), hub=False, precision="fp32", data_dir=tmp_path)
    worker = WorkerProcess(
        winnow_in(tmp_path),
        redis_server.url,
        WINNOW_CROSS_ENCODER=str(TINY),
        WINNOW_PRECISION="fp32",
    )
    try:
        worker.start()
        async with reranking(redis_server.url) as reranker:
            asked = request("which passage is about the tide", 60.0)
            result = await reranker.rerank(asked)
            model = load_cross_encoder(settings)
            expected = model.score([(asked.query, passage) for passage in asked.passages]).logits
            scores = [float("nan") if score is None else score for score in result.scores]
            np.testing.assert_allclose(scores, expected, atol=1e-3)
            assert result.model == model.card
        with redis.Redis.from_url(redis_server.url) as client:
            assert client.hlen(WORKERS_KEY) == 1
            worker.signal(signal.SIGTERM)
            assert await worker.exit_code() == 0
            assert client.hlen(WORKERS_KEY) == 0
    finally:
        worker.kill()
