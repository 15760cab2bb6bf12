"""Benchmarks: their arithmetic, their texts, and that they run."""

from pathlib import Path

import pytest

from evaluation.benchmarks.figures import Figure, median_ms, timed
from evaluation.benchmarks.late import ingestion_figure, window_figures
from evaluation.benchmarks.searching import search_figures
from evaluation.benchmarks.texts import passages, queries
from services.settings import Settings


def test_a_ratio_is_value_over_baseline():
    """Limits speak of the ratio where there is a baseline."""
    figure = Figure("speed", 12.0, "passages/s", 4.0, at_least=3.0)
    assert figure.ratio == pytest.approx(3.0)
    assert figure.met
    assert not Figure("speed", 11.9, "passages/s", 4.0, at_least=3.0).met


def test_without_a_baseline_the_limit_is_on_the_value():
    """Memory is held to a number of its own."""
    assert Figure("memory", 999.0, "MiB", at_most=1_000).met
    assert not Figure("memory", 1_001.0, "MiB", at_most=1_000).met
    assert Figure("latency", 5.0, "ms").met


def test_figures_as_json():
    """The keys are a contract; what has no baseline has no ratio."""
    assert Figure("a", 1.0, "ms").to_json() == {
        "name": "a", "value": 1.0, "unit": "ms", "baseline": None, "ratio": None,
    }  # fmt: skip


def test_medians_are_in_milliseconds():
    """One slow round does not decide."""
    assert median_ms([0.001, 0.002, 9.0]) == pytest.approx(2.0)
    assert timed(lambda: 7)[1] == 7


def test_texts_are_english_and_repeatable():
    """Two runs measure the same passages, and no two passages of a run are alike."""
    texts = passages(50, 40)
    assert texts == passages(50, 40)
    assert len(set(texts)) == 50
    assert 30 < sum(len(text.split()) for text in texts) / 50 < 50
    assert len(set(queries(200))) == 200


async def test_searches_are_timed(tmp_path: Path):
    """Every stage is measured on the real stack (with models that need no weights)."""
    settings = Settings(
        data_dir=tmp_path, bi_encoder="hashing", cross_encoder="overlap", cache_ttl_s=0,
        budget_ms=60_000, deadline_ms=60_000, _env_file=None,
    )  # fmt: skip
    said: set[str] = set()
    figures = await search_figures(settings, 60, lambda activity, _done, _total: said.add(activity))
    assert "Indexing" in said
    assert len({figure.name for figure in figures}) == len(figures) == 15
    assert all(figure.value > 0 for figure in figures)
    hybrid = figures[0]
    assert hybrid.at_most == 3.0
    assert hybrid.baseline is not None


async def test_late_interaction_is_timed_by_window(tmp_path: Path):
    """Three windows, each with its median; the stage of real searches is what is measured."""
    figures = await window_figures(Settings(_env_file=None), tmp_path, 60)
    medians = [figure.name for figure in figures if figure.name.endswith("p50")]
    assert [name.partition("window of ")[2].split()[0] for name in medians] == [
        "100", "300", "1,000",
    ]  # fmt: skip
    assert all(figure.value > 0 for figure in figures)


async def test_indexing_is_compared_with_and_without_tokens(tmp_path: Path):
    """Both sides index the same passages; here with the encoder that needs no weights."""
    settings = Settings(bi_encoder="hashing", token_dimensions=64, _env_file=None)
    figure = await ingestion_figure(settings, tmp_path, passages_a_round=4)
    assert figure.value > 0
    assert figure.baseline is not None
    assert figure.baseline > 0
