"""The batch planner: every text once, budgets kept, order as promised."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.models.batching import longest_first, plan_batches, take_in_order

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
    counts = take_in_order(waiting, budget)
    taken = [lengths[:count] for lengths, count in zip(waiting, counts, strict=True)]
    assert sum(map(sum, taken)) <= budget or sum(counts) == 1


@given(st.lists(LENGTHS, max_size=8), BUDGETS)
@settings(max_examples=150, deadline=None)
def test_a_round_takes_something_where_something_waits(
    waiting: list[list[int]], budget: int
) -> None:
    """So that a batcher that runs rounds comes to an end."""
    assert any(take_in_order(waiting, budget)) == any(waiting)


@given(st.lists(LENGTHS, max_size=8), BUDGETS)
@settings(max_examples=150, deadline=None)
def test_the_most_urgent_request_is_served_first(waiting: list[list[int]], budget: int) -> None:
    """What a request leaves open is too long for what the ones before it left."""
    counts = take_in_order(waiting, budget)
    left = budget
    for lengths, count in zip(waiting, counts, strict=True):
        left -= sum(lengths[:count])
        if count < len(lengths):
            assert lengths[count] > left


def test_a_request_gives_its_texts_in_order() -> None:
    """A long text that does not fit is not overtaken by its own shorter ones."""
    assert take_in_order([[10, 90, 10], [10, 10, 10]], 60) == [1, 3]


def test_batches_of_long_texts_come_first() -> None:
    """What is left of a round is for the quick ones."""
    assert longest_first([[0], [1, 3], [2]], [10, 30, 20, 5]) == [[1, 3], [2], [0]]
