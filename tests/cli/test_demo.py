"""The demo as people run it, with instant models in place of real ones."""

import pytest

from cli.demo import QUESTIONS
from tests.conftest import Winnow


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_indexes_once_and_shows_what_each_stage_did(winnow: Winnow) -> None:
    """Thousands of real documents, every question answered; the second run indexes nothing."""
    first = winnow("demo", "--no-serve", timeout_s=500)
    assert first.code == 0, first.err
    for question in QUESTIONS:
        assert question in first.out
    assert "shutil.copytree" in first.out
    header = next(line for line in first.out.splitlines() if "meaning" in line)
    stages = ["words", "meaning", "fused", "late", "cross-encoder"]
    assert header.split() == ["document", *stages]
    assert "Indexing" in first.err
    again = winnow("demo", "--no-serve", timeout_s=500)
    assert again.code == 0
    assert "All of it is indexed already." in again.err
    found = winnow("search", "-c", "python", "shutil.copytree", "--facet", "kind", "--json").json()
    assert "shutil.copytree" in {each["id"] for each in found["results"]}
    assert {each["value"] for each in found["facets"]["kind"]} >= {"function"}
