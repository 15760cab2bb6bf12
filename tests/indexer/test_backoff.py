"""When a collection is tried again, by a clock that the tests turn."""

import logging
from dataclasses import dataclass

import pytest

from indexer.backoff import FIRST_BACKOFF_S, LONGEST_BACKOFF_S, Backoff
from services.errors import BackendUnavailable

DEFERRAL_S = 3.0
DOWN = BackendUnavailable("the engine is down")


@dataclass
class Clock:
    """Monotonic seconds that pass when told to."""

    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """It stands still until a test moves it."""
    return Clock()


@pytest.fixture
def backoff(clock: Clock) -> Backoff:
    """Nothing has failed yet."""
    return Backoff(DEFERRAL_S, clock)


def test_what_never_failed_is_tried_at_once(backoff: Backoff) -> None:
    """Nothing stands in the way."""
    assert backoff.over("books")
    assert backoff.failure("books") is None
    assert not backoff.deferred("books")


def test_each_failure_waits_twice_as_long_up_to_a_bound(backoff: Backoff, clock: Clock) -> None:
    """With jitter around it; thousands of attempts wait no longer than ten seconds."""
    for attempt in range(1, 2_000):
        backoff.fail("books", DOWN)
        failure = backoff.failure("books")
        assert failure is not None
        assert (failure.error, failure.attempts) == (DOWN, attempt)
        middle_s = min(FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 20), LONGEST_BACKOFF_S)
        assert 0.8 * middle_s <= failure.retry_at_s - clock.now_s <= 1.2 * middle_s
        assert failure.retry_at_s - clock.now_s < 10


def test_processes_do_not_come_back_at_once(backoff: Backoff) -> None:
    """The same failure at the same moment leads to many moments of return."""
    names = [f"{number}" for number in range(50)]
    for name in names:
        backoff.fail(name, DOWN)
    assert len({backoff.until_s(name) for name in names}) > 10


def test_a_failure_is_over_when_its_time_has_come(backoff: Backoff, clock: Clock) -> None:
    """Until then nothing is tried; the failure is told of until something succeeds."""
    backoff.fail("books", DOWN)
    assert not backoff.over("books")
    assert backoff.over("papers")
    clock.now_s = backoff.until_s("books")
    assert backoff.over("books")
    assert backoff.failure("books") is not None


def test_a_success_makes_the_next_failure_a_first_one(backoff: Backoff) -> None:
    """The waiting begins anew."""
    for _ in range(5):
        backoff.fail("books", DOWN)
    backoff.succeeded("books")
    assert backoff.over("books")
    backoff.fail("books", DOWN)
    failure = backoff.failure("books")
    assert failure is not None
    assert failure.attempts == 1


def test_a_deferral_lasts_until_its_time_or_the_next_round(backoff: Backoff, clock: Clock) -> None:
    """Time alone lets it be tried; that it was deferred is known until it is."""
    backoff.defer("books")
    assert backoff.deferred("books")
    assert backoff.until_s("books") == clock.now_s + DEFERRAL_S
    clock.now_s += DEFERRAL_S
    assert backoff.over("books")
    assert backoff.deferred("books")
    backoff.tried("books")
    assert not backoff.deferred("books")


def test_the_later_of_failure_and_deferral_counts(backoff: Backoff, clock: Clock) -> None:
    """A round that begins ends the deferral, not the failure."""
    backoff.fail("books", DOWN)
    backoff.defer("books")
    assert backoff.until_s("books") == clock.now_s + DEFERRAL_S
    backoff.tried("books")
    assert not backoff.over("books")


def test_what_is_deleted_is_forgotten(backoff: Backoff) -> None:
    """A new collection of the name begins without a past."""
    backoff.fail("books", DOWN)
    backoff.defer("books")
    backoff.forget("books")
    backoff.forget("never there")
    assert backoff.over("books")
    assert backoff.failure("books") is None
    assert not backoff.deferred("books")


def test_a_reason_is_said_once(backoff: Backoff, caplog: pytest.LogCaptureFixture) -> None:
    """Again only where it changes, so that an outage of hours is one line in the log."""
    with caplog.at_level(logging.WARNING):
        for error in (DOWN, DOWN, DOWN, BackendUnavailable("the disk is full"), DOWN):
            backoff.fail("books", error)
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == [
        "the engine is down",
        "the disk is full",
        "the engine is down",
    ]
