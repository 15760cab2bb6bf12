"""What workers publish of their speed and queues decides how much a query asks of them."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import redis

from services.celery.codec import Heartbeat, encode_heartbeat
from services.celery.connection import WORKERS_KEY
from services.celery.reranker import WAY_BACK_S, CeleryReranker
from services.models.load import Load
from services.models.overlap import OverlapCrossEncoder
from tests.servers.redis import RedisServer
from tests.workers.conftest import REPAIR_S

pytestmark = pytest.mark.servers

TOKENS = 100
# A second for the passages beside the way through the broker.
BUDGET_S = 1.0 + WAY_BACK_S


@pytest.fixture
async def reranker(redis_server: RedisServer) -> AsyncIterator[CeleryReranker]:
    """The API's side of a broker that workers have written to, none of which is here."""
    reranker = await CeleryReranker.open(redis_server.url, "overlap")
    yield reranker
    await reranker.close()


async def affordable(
    reranker: CeleryReranker, server: RedisServer, expected: int, *beats: tuple[Load, float]
) -> None:
    """Workers with these loads and waits in the broker let a query ask for so many."""
    deadline_s = time.monotonic() + REPAIR_S
    with redis.Redis.from_url(server.url) as broker:
        while True:
            seconds, microseconds = broker.time()  # type: ignore[misc]  # of a client that waits
            for number, (load, wait_s) in enumerate(beats):
                heartbeat = Heartbeat(
                    worker=f"elsewhere:{number}",
                    model=OverlapCrossEncoder().card,
                    load=load,
                    at_s=seconds + microseconds / 1e6,
                    wait_s=wait_s,
                )
                broker.hset(WORKERS_KEY, heartbeat.worker, encode_heartbeat(heartbeat))
            if reranker.affordable(BUDGET_S) == expected:
                return
            assert time.monotonic() < deadline_s, reranker.affordable(BUDGET_S)
            await asyncio.sleep(0.1)


def load(speed: float, *, queued: float = 0.0, requests: float = 1.0) -> Load:
    """So many tokens a second, a tenth of which no promise is made of."""
    return Load(speed / 0.9, TOKENS, queued, requests)


async def test_the_window_follows_what_workers_publish(
    redis_server: RedisServer, reranker: CeleryReranker
) -> None:
    """Speed, what is queued there, who shares the model, and the wait in the broker."""
    margin = 1e-6
    quick = load(4_000 + margin)
    await affordable(reranker, redis_server, 40, (quick, 0.0))
    await affordable(reranker, redis_server, 10, (load(1_000 + margin), 0.0))
    await affordable(reranker, redis_server, 25, (load(4_000 + margin, queued=1_500), 0.0))
    await affordable(reranker, redis_server, 20, (load(4_000 + margin, requests=2.0), 0.0))
    await affordable(reranker, redis_server, 20, (load(4_000 + margin), 0.5))
    # Any of them may take the task.
    await affordable(reranker, redis_server, 10, (quick, 0.0), (load(1_000 + margin), 0.0))
