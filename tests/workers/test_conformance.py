"""What every Reranker does: in this process and on a worker."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.celery.reranker import CeleryReranker
from services.errors import BackendUnavailable
from services.models.overlap import OverlapCrossEncoder
from services.models.reranker import InProcessReranker
from services.ports.models import Passage, Reranker
from tests.workers.conftest import ready
from tests.workers.conftest import request as asking

pytestmark = pytest.mark.servers


@pytest.fixture(params=["in process", "celery"])
async def reranker(request: pytest.FixtureRequest) -> AsyncIterator[Reranker]:
    """Each adapter, over the same model."""
    if request.param == "in process":
        local = InProcessReranker(OverlapCrossEncoder())
        yield local
        await local.close()
        return
    request.getfixturevalue("shared_worker")
    remote = await CeleryReranker.open(request.getfixturevalue("shared_redis").url, "overlap")
    await ready(remote)
    yield remote
    await remote.close()


async def test_it_scores_in_the_order_that_was_asked(reranker: Reranker) -> None:
    """A float32 logit for each passage, with who computed it and how long that took."""
    asked = asking("passage 7 tide", 60.0)
    result = await reranker.rerank(asked)
    expected = OverlapCrossEncoder().score([(asked.query, each) for each in asked.passages])
    assert tuple(result.scores) == tuple(expected.logits.tolist())
    assert tuple(result.truncated) == tuple(expected.truncated.tolist())
    assert result.model == reranker.card == OverlapCrossEncoder().card
    host, _, pid = result.worker.rpartition(":")
    assert host
    assert int(pid) > 0
    assert result.compute_ms >= 0
    assert result.queue_ms >= 0
    await reranker.ping()


async def test_it_says_what_was_cut(reranker: Reranker) -> None:
    """A passage longer than the model reads."""
    asked = asking("tide", 60.0, passages=2)
    long = type(asked)(asked.query, (*asked.passages, Passage("word " * 2_000)), asked.deadline_s)
    assert tuple((await reranker.rerank(long)).truncated) == (False, False, True)


async def test_nothing_costs_nothing(reranker: Reranker) -> None:
    """No passages, or no time: an answer at once, with no score."""
    assert not (await reranker.rerank(asking("tide", 60.0, passages=0))).scores
    late = await reranker.rerank(asking("tide", -1.0, passages=3))
    assert tuple(late.scores) == (None, None, None)
    assert tuple(late.truncated) == (False, False, False)


async def test_a_larger_budget_affords_no_less(reranker: Reranker) -> None:
    """And shorter passages no fewer."""
    counts = [reranker.affordable(budget_s) for budget_s in (0.0, 0.1, 1.0, 10.0)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] > 0
    assert reranker.affordable(1.0, [10] * 5) >= reranker.affordable(1.0, [10**9] * 5)


async def test_many_at_once_and_those_that_give_up(reranker: Reranker) -> None:
    """Who leaves early disturbs nobody."""
    leaving = [asyncio.ensure_future(reranker.rerank(asking("ebb", 60.0))) for _ in range(5)]
    await asyncio.sleep(0)
    staying = [reranker.rerank(asking(f"tide {number}", 60.0)) for number in range(10)]
    for each in leaving:
        each.cancel()
    for result in await asyncio.gather(*staying):
        assert None not in result.scores
    await asyncio.gather(*leaving, return_exceptions=True)


async def test_closed_it_refuses(reranker: Reranker) -> None:
    """At once, and closing again does no harm."""
    await reranker.close()
    started_s = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await reranker.rerank(asking("tide", 30.0))
    with pytest.raises(BackendUnavailable):
        await reranker.ping()
    assert time.monotonic() - started_s < 5
