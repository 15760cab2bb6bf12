"""The batch planner: every text once, budgets kept, order as promised."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.models.batching import plan_batches, take_turns

LENGTHS = st.lists(st.integers(1, 600), max_size=60)
BUDGETS = st.integers(1, 5_000)


@given(LENGTHS, BUDGETS)
@settings(max_examples=150, deadline=None)
def test_each_text_is_in_one_batch(lengths: list[int], budget: int) -> None:
    """No text is lost or run twice."""
    batches = plan_batches(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))


@given(LENGTHS, BUDGETS)
@settings(max_examples=150, deadline=None)
def test_padded_batches_keep_to_the_budget(lengths: list[int], budget: int) -> None:
    """Only a text that is longer than the budget goes over it, and it goes alone."""
    for batch in plan_batches(lengths, budget):
        padded = max(lengths[index] for index in batch) * len(batch)
        assert padded <= budget or len(batch) == 1


@given(LENGTHS, BUDGETS)
@settings(max_examples=150, deadline=None)
def test_lengths_rise_within_a_batch(lengths: list[int], budget: int) -> None:
    """Like lengths go together, and the batch with the earliest text comes first."""
    batches = plan_batches(lengths, budget)
    for batch in batches:
        inside = [lengths[index] for index in batch]
        assert inside == sorted(inside)
    firsts = [min(batch) for batch in batches]
    assert firsts == sorted(firsts)


@given(st.lists(LENGTHS, max_size=8), BUDGETS)
@settings(max_examples=150, deadline=None)
def test_a_round_keeps_to_its_budget(waiting: list[list[int]], budget: int) -> None:
    """Only a first text that is longer than the whole round goes over it."""
    counts = take_turns(waiting, budget)
    taken = [lengths[:count] for lengths, count in zip(waiting, counts, strict=True)]
    assert sum(map(sum, taken)) <= budget or sum(counts) == 1


@given(st.lists(LENGTHS, max_size=8), BUDGETS)
@settings(max_examples=150, deadline=None)
def test_a_round_takes_something_where_something_waits(
    waiting: list[list[int]], budget: int
) -> None:
    """So that a batcher that runs rounds comes to an end."""
    assert any(take_turns(waiting, budget)) == any(waiting)


@given(st.integers(1, 8), st.integers(1, 40), st.integers(1, 100), BUDGETS)
@settings(max_examples=150, deadline=None)
def test_requests_take_turns(requests: int, pairs: int, length: int, budget: int) -> None:
    """Of equal requests none gets more than one text ahead of another."""
    counts = take_turns([[length] * pairs] * requests, budget)
    assert max(counts) - min(counts) <= 1


def test_a_request_gives_its_texts_in_order() -> None:
    """A long text that does not fit is not overtaken by a later short one."""
    assert take_turns([[10, 90, 10], [10, 10, 10]], 60) == [1, 3]
