"""Deadlines between machines whose clocks disagree."""

import asyncio
import time

from services.celery.clock import BrokerClock
from services.celery.codec import Request, Scored, encode_request
from services.models.overlap import OverlapCrossEncoder
from services.models.reranker import InProcessReranker
from services.ports.models import Passage
from workers.scoring import Scoring

# The broker lives in another decade than this process.
BROKER_S = 4_000_000_000


def _clock(ahead_s: float = 0.0) -> BrokerClock:
    clock = BrokerClock()
    now_s = time.monotonic()
    clock.read((int(BROKER_S + ahead_s), 0), now_s, now_s)
    return clock


def _payload(clock: BrokerClock, remaining_s: float) -> str:
    return encode_request(
        Request(
            query="tide",
            passages=(Passage("tide"), Passage("ebb")),
            remaining_s=remaining_s,
            expires_at_s=clock.now_s() + remaining_s,
        )
    )


def test_the_clock_follows_the_broker() -> None:
    """From the middle of a reading's round trip on."""
    clock = BrokerClock()
    assert not clock.known
    assert clock.now_s() == 0.0
    now_s = time.monotonic()
    clock.read((BROKER_S, 500_000), now_s - 0.2, now_s)
    assert clock.known
    assert 0 <= clock.now_s() - (BROKER_S + 0.6) < 5


def test_a_quick_reading_outlives_a_slow_one() -> None:
    """A reading that took long says less; one that contradicts says that the clock was set."""
    clock = _clock()
    now_s = time.monotonic()
    clock.read((BROKER_S - 1, 800_000), now_s - 1, now_s)
    assert clock.now_s() < BROKER_S + 0.2 + (time.monotonic() - now_s)
    clock.read((BROKER_S + 3_600, 0), now_s - 1, now_s)
    assert clock.now_s() > BROKER_S + 3_600


async def test_a_request_is_scored_only_while_somebody_waits() -> None:
    """By the broker's time, however far this machine's own clock is off."""
    reranker = InProcessReranker(OverlapCrossEncoder())
    clock = _clock()
    scoring = Scoring(reranker, clock)
    fresh = await asyncio.to_thread(scoring.answer, "a", _payload(clock, 30.0))
    assert isinstance(fresh, Scored)
    assert None not in fresh.scores
    assert fresh.id == "a"
    assert scoring.answer("b", _payload(clock, 0.0)) is None
    # Sent an hour ago, with half a minute left then.
    assert scoring.answer("c", _payload(_clock(-3_600), 30.0)) is None
    assert scoring.mean_wait_s() > 1_000
    assert scoring.mean_wait_s() == 0.0
    # A sender whose reading of the broker was off cannot lengthen what it asked for.
    ahead = await asyncio.to_thread(scoring.answer, "d", _payload(_clock(3_600), 30.0))
    assert isinstance(ahead, Scored)
    await reranker.close()
