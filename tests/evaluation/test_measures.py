"""Measures against values worked out by hand."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.measures import MEASURES, measure, percentile_ms


def test_measures_of_one_graded_query():
    """Gains are grades, discounts log2(rank + 1), as in trec_eval."""
    judgments = {"q": {"best": 3, "good": 1, "bad": 0, "lost": 2}}
    figures = measure(judgments, {"q": ["bad", "good", "unjudged", "best"]}).means
    gained = 1 / log2(3) + 3 / log2(5)
    ideal = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
    assert figures["nDCG@10"] == pytest.approx(gained / ideal)
    assert figures["R@100"] == pytest.approx(2 / 3)
    assert figures["RR@10"] == pytest.approx(1 / 2)
    assert figures["P@3"] == pytest.approx(1 / 3)


def test_a_query_without_results_counts_as_nothing_found():
    """Means run over every judged query, not over the answered ones."""
    judgments = {"a": {"d": 1}, "b": {"d": 1}, "c": {"d": 0}}
    measured = measure(judgments, {"a": ["d"], "b": []})
    assert measured.means["nDCG@10"] == pytest.approx(1 / 3)
    assert measured.per_query["b"] == dict.fromkeys(MEASURES, 0.0)
    assert set(measured.per_query) == {"a", "b", "c"}


def test_cut_offs():
    """A document at rank 11 is no use to nDCG@10 and RR@10; one at rank 101 not even to R@100."""
    fillers = [f"f{number}" for number in range(200)]
    at_11 = measure({"q": {"d": 1}}, {"q": [*fillers[:10], "d"]}).means
    at_101 = measure({"q": {"d": 1}}, {"q": [*fillers[:100], "d"]}).means
    assert (at_11["nDCG@10"], at_11["RR@10"], at_11["R@100"]) == (0, 0, 1)
    assert at_101["R@100"] == 0


@given(order=st.permutations(["a", "b", "c", "d", "e"]))
def test_the_order_of_the_list_is_what_counts(order: list[str]):
    """Reciprocal rank follows the list's order whatever the ids are."""
    figures = measure({"q": {"c": 1}}, {"q": order}).means
    assert figures["RR@10"] == pytest.approx(1 / (order.index("c") + 1))


def test_percentiles_interpolate():
    """The median of two durations lies between them, in milliseconds."""
    assert percentile_ms([0.001, 0.003], 50) == pytest.approx(2.0)
    assert percentile_ms([0.010], 95) == pytest.approx(10.0)
