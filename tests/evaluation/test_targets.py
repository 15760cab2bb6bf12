"""Targets and how figures are judged against them."""

import pytest

from evaluation.quality import judge, main
from evaluation.targets import COLLECTIONS, TARGETS, Floor, Within

REACHED = {
    "bm25": {"nDCG@10": 0.66, "R@100": 0.90},
    "vector": {"nDCG@10": 0.64, "R@100": 0.93},
    "fused": {"nDCG@10": 0.70, "R@100": 0.92},
}


def test_every_target_is_of_a_collection_that_is_measured():
    """No target can be forgotten by the command that checks them."""
    assert {target.collection for target in TARGETS} <= set(COLLECTIONS)


def test_a_figure_that_equals_its_floor_is_reached():
    """At least means at least; recall may fall by the slack."""
    verdicts = judge("scifact", REACHED)
    assert len(verdicts) == 4
    assert all(verdict.met for verdict in verdicts)


@pytest.mark.parametrize(
    ("system", "measure", "value"),
    [("bm25", "nDCG@10", 0.6599), ("fused", "nDCG@10", 0.6999), ("fused", "R@100", 0.9199)],
)
def test_a_figure_below_its_floor_is_missed(system: str, measure: str, value: float):
    """Rounding helps nobody across the line."""
    figures = REACHED | {system: REACHED[system] | {measure: value}}
    missed = [verdict.target for verdict in judge("scifact", figures) if not verdict.met]
    assert [(target.system, target.measure) for target in missed] == [(system, measure)]


def test_what_was_not_measured_is_missed():
    """A system that could not be run reaches nothing, and others are judged without it."""
    verdicts = judge("scifact", REACHED | {"vector": None})
    assert [verdict.target.system for verdict in verdicts if not verdict.met] == ["vector"]
    assert verdicts[-1].required == pytest.approx(0.89)


def test_within_needs_something_to_stand_beside():
    """Where none of the others was measured there is nothing to compare with."""
    target = Within("c", "fused", "R@100", ("bm25", "vector"), 0.01)
    assert target.required({"bm25": None}) is None
    assert Floor("c", "bm25", "nDCG@10", 0.5).required({}) == 0.5


def test_an_unknown_collection_is_a_usage_error(tmp_path, capsys: pytest.CaptureFixture[str]):
    """The message lists the collections that have targets."""
    assert main([str(tmp_path), "nonsense"]) == 2
    assert "There are no targets for nonsense" in " ".join(capsys.readouterr().err.split())


def test_a_folder_without_collections_is_a_usage_error(
    tmp_path, capsys: pytest.CaptureFixture[str]
):
    """Nothing measured is not everything reached."""
    assert main([str(tmp_path)]) == 2
    assert "does not hold scifact" in " ".join(capsys.readouterr().err.split())
