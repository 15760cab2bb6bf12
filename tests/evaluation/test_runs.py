"""TREC run files."""

from pathlib import Path

import ir_measures
import pytest

from evaluation.measures import measure
from evaluation.runs import write_run
from services.errors import InvalidInput


def test_rows_have_six_columns_and_falling_scores(tmp_path: Path):
    """Query, Q0, document, rank from 1, score, tag."""
    write_run(tmp_path / "runs" / "bm25.trec", {"q1": ["b", "a"], "q2": ["c"]}, "winnow-bm25")
    assert (tmp_path / "runs" / "bm25.trec").read_text(encoding="utf-8").splitlines() == [
        "q1 Q0 b 1 2 winnow-bm25",
        "q1 Q0 a 2 1 winnow-bm25",
        "q2 Q0 c 1 1 winnow-bm25",
    ]


def test_a_run_file_read_back_measures_the_same(tmp_path: Path):
    """The scores of the file reproduce the order that was measured."""
    judgments = {"q": {"a": 1, "b": 2, "é/ü": 1}}
    lists = {"q": ["z", "b", "y", "é/ü", "a"]}
    write_run(tmp_path / "x.trec", lists, "x")
    read = ir_measures.read_trec_run(str(tmp_path / "x.trec"))
    again = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], judgments, read)
    assert list(again.values()) == [pytest.approx(measure(judgments, lists).means["nDCG@10"])]


def test_an_id_with_a_space_is_refused(tmp_path: Path):
    """The format has no quoting, so the file is not written wrongly."""
    with pytest.raises(InvalidInput, match="'two words' holds white space"):
        write_run(tmp_path / "x.trec", {"q": ["two words"]}, "x")
    assert not (tmp_path / "x.trec").exists()
