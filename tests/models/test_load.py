"""What a budget buys: promises that can be kept."""

import time

from hypothesis import given
from hypothesis import strategies as st

from services.models.load import Crowd, Load
from services.models.pace import Pace

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=100)


def load(
    queued: float = 0.0, requests: float = 1.0, speed: float = 10_000.0, *, stale: bool = False
) -> Load:
    return Load(speed, 100.0, queued, requests, stale)


@given(LENGTHS, st.floats(0, 20_000), st.floats(1, 20), st.floats(0.001, 2))
def test_a_promise_leaves_what_was_promised_before(
    lengths: list[int], queued: float, requests: float, budget_s: float
) -> None:
    """The passages fit into the budget after those that wait, save the one that is tried."""
    busy = load(queued, requests)
    count = busy.affordable(budget_s, lengths)
    assert count <= 1 or queued + sum(lengths[:count]) <= 10_000 * budget_s


@given(st.floats(0, 20_000), st.floats(1, 20), st.floats(0, 2), st.floats(0, 2))
def test_more_time_buys_no_less(queued: float, requests: float, one: float, other: float) -> None:
    """Whatever waits there."""
    busy = load(queued, requests)
    assert busy.affordable(min(one, other)) <= busy.affordable(max(one, other))


def test_the_first_of_a_crowd_leaves_something_for_the_others() -> None:
    """Eight that come together take an eighth each, and all of it is kept."""
    alone = load().affordable(0.8)
    share = load(requests=8).affordable(0.8)
    assert alone == 72
    assert share == 9
    assert load(queued=7 * share * 100.0, requests=8).affordable(0.8) == share


def test_a_share_of_less_than_a_passage_is_a_passage_where_there_is_room() -> None:
    """Else eight with 50 ms each would score nothing, and the model idle."""
    assert load(requests=8).affordable(0.05) == 1
    assert load(queued=450.0, requests=8).affordable(0.05) == 0


def test_the_speed_of_a_bad_moment_is_not_believed_for_ever() -> None:
    """After a while, where nothing waits, one passage is tried, and measured."""
    assert load(speed=1.0).affordable(0.05) == 0
    assert load(speed=1.0, stale=True).affordable(0.05) == 1
    assert load(queued=100.0, speed=1.0, stale=True).affordable(0.05) == 0
    assert load(stale=True).affordable(0) == 0
    pace = Pace(1_000.0)
    assert not pace.stale
    time.sleep(0.6)
    assert pace.stale
    pace.record(100, 1, 0.1)
    assert not pace.stale


def test_a_crowd_fades() -> None:
    """It is felt in full while it is there, and less with time."""
    crowd = Crowd()
    crowd.meet(8)
    assert crowd.size(3) > 4
    time.sleep(0.6)
    assert crowd.size(1) < 4
    assert crowd.size(9) == 9


def test_a_pace_follows_what_is_measured() -> None:
    """Steady work is believed in full; what varies is promised with a reserve."""
    pace = Pace(1_000.0)
    for _ in range(40):
        pace.record(1_000, 10, 0.1)
    assert 9_500 < pace.tokens_per_s < 10_500
    assert 90 < pace.tokens_per_text < 110
    assert pace.sure_tokens_per_s > 0.9 * pace.tokens_per_s
    for _ in range(20):
        pace.record(1_000, 10, 0.05)
        pace.record(1_000, 10, 0.15)
    assert pace.sure_tokens_per_s < 0.8 * pace.tokens_per_s


def test_a_bad_moment_is_forgotten_with_the_first_good_one_after_a_pause() -> None:
    """A machine that hung for ten seconds is as fast afterwards as it was before."""
    pace = Pace(10_000.0)
    pace.record(100, 1, 10.0)
    assert pace.sure_tokens_per_s < 100
    time.sleep(0.6)
    pace.record(100, 1, 0.01)
    assert 4_000 < pace.sure_tokens_per_s < 11_000


def test_how_work_is_cut_into_passes_does_not_matter() -> None:
    """Ten small passes teach what a large one does."""
    whole, cut = Pace(1_000.0), Pace(1_000.0)
    whole.record(1_000, 10, 0.2)
    for _ in range(10):
        cut.record(100, 1, 0.02)
    assert abs(whole.tokens_per_s - cut.tokens_per_s) < 1
