import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.aggregation import aggregate, order_with_gaps
from search_api.request import Aggregation

scores = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Aggregation.MAX, 0.8),
        (Aggregation.MEAN, (0.8 + 0.5) / 2),
        (Aggregation.DISCOUNTED, 0.8 + 0.5 / math.log2(3)),
        (Aggregation.FIRST, 0.2),
    ],
)
def test_each_rule_on_one_document(rule: Aggregation, expected: float) -> None:
    """Worked out by hand over the best two of four chunks."""
    assert aggregate([0.2, 0.8, 0.1, 0.5], rule, best=2) == pytest.approx(expected)


@given(scores, st.sampled_from(Aggregation))
def test_one_chunk_is_its_own_document(values: list[float], rule: Aggregation) -> None:
    """With a single chunk every rule gives its score."""
    assert aggregate(values[:1], rule) == values[0]


@given(scores, st.sampled_from([Aggregation.MAX, Aggregation.MEAN, Aggregation.DISCOUNTED]))
def test_the_order_of_chunks_matters_to_first_alone(values: list[float], rule: Aggregation) -> None:
    """All other rules look at scores only."""
    assert aggregate(values, rule) == aggregate(values[::-1], rule)


@given(scores, st.floats(0, 1))
def test_another_chunk_never_lowers_a_sum(values: list[float], more: float) -> None:
    """More evidence cannot hurt a document under ``max`` or ``discounted``."""
    for rule in (Aggregation.MAX, Aggregation.DISCOUNTED):
        assert aggregate([*values, more], rule) >= aggregate(values, rule)


def test_what_has_no_score_keeps_its_place() -> None:
    """Scored candidates share the places that they hold together."""
    assert order_with_gaps("abcd", {"a": 1.0, "c": 3.0, "d": 2.0}) == ["c", "b", "d", "a"]


@given(st.permutations("abcdefg"), st.dictionaries(st.sampled_from("abcdefg"), st.floats(-5, 5)))
def test_gaps_are_a_permutation_that_moves_scored_ones_only(
    order: list[str], known: dict[str, float]
) -> None:
    """Nothing is lost; unscored candidates stand where they stood."""
    placed = order_with_gaps(order, known)
    assert sorted(placed) == sorted(order)
    assert all(a == b for a, b in zip(placed, order, strict=True) if b not in known)
    moved = [known[key] for key in placed if key in known]
    assert moved == sorted(moved, reverse=True)
