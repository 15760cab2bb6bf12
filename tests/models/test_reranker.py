"""The cross-encoder behind an event loop: shared batches, deadlines, load."""

import asyncio
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from services.errors import BackendUnavailable, Overloaded
from services.models.overlap import OverlapCrossEncoder
from services.models.reranker import InProcessReranker
from services.ports.models import Passage, RerankRequest, Scores

PASSAGES = [Passage(f"passage {number} " + "tide " * (number % 7)) for number in range(60)]


class Slow(OverlapCrossEncoder):
    """Takes a fixed time for each token, and notes what it scored."""

    def __init__(self, seconds_per_token: float = 0.0) -> None:
        super().__init__()
        self.seconds_per_token = seconds_per_token
        self.scored: list[tuple[str, Passage]] = []

    def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
        """Score as slowly as asked for."""
        self.scored.extend(pairs)
        time.sleep(self.seconds_per_token * int(self.count_tokens(pairs).sum()))
        return super().score(pairs)


def _request(query: str, seconds: float, passages: Sequence[Passage] = PASSAGES) -> RerankRequest:
    return RerankRequest(query, passages, time.monotonic() + seconds)


async def test_concurrent_requests_get_their_own_scores() -> None:
    """Shared batches do not mix up whose pair is whose."""
    model = OverlapCrossEncoder()
    reranker = InProcessReranker(model)
    queries = [f"passage {number} tide" for number in range(12)]
    results = await asyncio.gather(*(reranker.rerank(_request(query, 30)) for query in queries))
    for query, result in zip(queries, results, strict=True):
        expected = model.score([(query, passage) for passage in PASSAGES])
        np.testing.assert_allclose(np.array(result.scores, np.float32), expected.logits)
        assert result.model.name == "overlap"
        assert result.compute_ms >= 0
        assert result.queue_ms >= 0
    await reranker.ping()
    await reranker.close()


async def test_threads_may_wait_without_an_event_loop() -> None:
    """The same scores; at the deadline what there is; an error as an error."""
    model = Slow()
    reranker = InProcessReranker(model)
    awaited = await reranker.rerank(_request("tide", 30))
    waited = await asyncio.to_thread(reranker.rerank_blocking, _request("tide", 30))
    assert waited.scores == awaited.scores
    late = await asyncio.to_thread(reranker.rerank_blocking, _request("tide", -1))
    assert set(late.scores) == {None}
    await reranker.close()
    with pytest.raises(BackendUnavailable):
        reranker.rerank_blocking(_request("tide", 30))


async def test_the_earlier_deadline_is_served_first() -> None:
    """A long request that came before does not keep an urgent one waiting."""
    reranker = InProcessReranker(Slow(0.000_1))
    long = [Passage("word " * 250) for _ in range(200)]
    patient = asyncio.create_task(reranker.rerank(_request("patient", 60, long)))
    await asyncio.sleep(0.1)
    urgent = await reranker.rerank(_request("urgent", 20, PASSAGES[:5]))
    assert None not in urgent.scores
    assert not patient.done()
    patient.cancel()
    await reranker.close()


async def test_a_deadline_brings_what_there_is() -> None:
    """The most promising pairs are scored first; the rest is None."""
    reranker = InProcessReranker(Slow(0.000_2))
    long = [Passage("word " * 250) for _ in range(100)]
    started = time.monotonic()
    result = await reranker.rerank(_request("word", 1.0, long))
    assert time.monotonic() - started < 3
    scored = [score is not None for score in result.scores]
    assert any(scored)
    assert not all(scored)
    assert scored == sorted(scored, reverse=True)
    await reranker.close()


async def test_an_expired_request_costs_nothing() -> None:
    """It is dropped before the model sees it."""
    model = Slow()
    reranker = InProcessReranker(model)
    model.scored.clear()
    result = await reranker.rerank(_request("too late", -1))
    assert set(result.scores) == {None}
    await reranker.rerank(_request("in time", 30, PASSAGES[:3]))
    assert {query for query, _ in model.scored} == {"in time"}
    await reranker.close()


async def test_a_cancelled_request_is_dropped() -> None:
    """Who stops waiting frees the model for others."""
    model = Slow(0.000_1)
    reranker = InProcessReranker(model)
    long = [Passage("word " * 250) for _ in range(400)]
    task = asyncio.create_task(reranker.rerank(_request("abandoned", 60, long)))
    await asyncio.sleep(0.3)
    task.cancel()
    started = time.monotonic()
    result = await reranker.rerank(_request("next", 30, PASSAGES[:3]))
    assert None not in result.scores
    assert time.monotonic() - started < 5
    await reranker.close()


async def test_no_passages_are_no_work() -> None:
    """An empty window comes back at once."""
    reranker = InProcessReranker(OverlapCrossEncoder())
    assert (await reranker.rerank(_request("x", 1, []))).scores == ()
    await reranker.close()


async def test_scores_that_are_not_finite_are_none() -> None:
    """So that the caller keeps the fused place."""

    class Broken(OverlapCrossEncoder):
        def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
            logits = np.array([np.nan, np.inf, -np.inf, 1.0] * len(pairs), np.float32)[: len(pairs)]
            return Scores(logits, np.zeros(len(pairs), np.bool_))

    reranker = InProcessReranker(Broken())
    result = await reranker.rerank(_request("x", 30, [Passage("same")] * 4))
    assert result.scores == (None, None, None, 1.0)
    await reranker.close()


async def test_a_full_queue_is_said() -> None:
    """With when to come back."""
    reranker = InProcessReranker(Slow(0.001), max_waiting_pairs=100)
    first = asyncio.create_task(reranker.rerank(_request("first", 0.5)))
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded) as caught:
        await reranker.rerank(_request("second", 0.5))
    assert caught.value.retry_after_s == 1
    await first
    await reranker.close()


async def test_a_failing_model_is_a_missing_backend() -> None:
    """And the batcher goes on."""

    class Failing(OverlapCrossEncoder):
        def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
            if any(query == "bad" for query, _ in pairs):
                raise RuntimeError("out of memory")
            return super().score(pairs)

    reranker = InProcessReranker(Failing())
    with pytest.raises(BackendUnavailable, match="out of memory"):
        await reranker.rerank(_request("bad", 30))
    assert None not in (await reranker.rerank(_request("good", 30))).scores
    await reranker.close()


async def test_what_is_affordable_follows_speed_and_load() -> None:
    """More budget buys more; work that is due before leaves less, what can wait does not."""
    reranker = InProcessReranker(Slow(0.000_1))
    assert reranker.affordable(0) == 0
    lengths = [200] * 1_000
    idle = reranker.affordable(1.0, lengths)
    assert 10 <= idle <= 60
    assert reranker.affordable(2.0, lengths) > idle
    assert reranker.affordable(1.0, [400] * 1_000) < idle
    assert reranker.affordable(1.0) > 0
    long = [Passage("word " * 250) for _ in range(200)]
    task = asyncio.create_task(reranker.rerank(_request("busy", 2, long)))
    await asyncio.sleep(0.2)
    assert reranker.affordable(10.0, lengths) < 10 * idle
    assert reranker.affordable(1.9, lengths) <= 1
    await task
    await reranker.close()


@pytest.mark.parametrize("call", [lambda reranker: reranker.ping(), None])
async def test_a_closed_reranker_refuses(
    call: Callable[[InProcessReranker], object] | None,
) -> None:
    """Requests and pings alike."""
    reranker = InProcessReranker(OverlapCrossEncoder())
    await reranker.close()
    with pytest.raises(BackendUnavailable):
        await (call(reranker) if call else reranker.rerank(_request("x", 1)))  # type: ignore[misc]
