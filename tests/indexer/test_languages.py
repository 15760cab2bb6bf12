"""Texts too short to tell their language."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.languages import dominant, settle
from services.documents import Document
from services.ports.ledger import Record


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"en": 95, "und": 40, "fr": 5}, "en"),
        ({"en": 60, "fr": 40}, "und"),
        ({"und": 7}, "und"),
        ({}, "und"),
        ({"pt": 1}, "pt"),
    ],
)
def test_a_collection_has_a_language_when_nearly_all_that_can_be_told_is_in_it(
    counts: dict[str, int], expected: str
) -> None:
    """Texts that could not be told have no vote."""
    assert dominant(counts) == expected


@given(st.sampled_from(["en", "de", "und"]), st.sampled_from(["en", "fr", "und"]))
def test_only_what_could_not_be_told_takes_the_language_around_it(own: str, around: str) -> None:
    """A detected language stands; a deletion has none."""
    now = datetime.now(UTC)
    records = [Record("a", 1, Document("a", "x", language=own), now), Record("b", 2, None, now)]
    settled, gone = settle(records, around)
    assert settled.document is not None
    assert settled.document.language == (around if own == "und" else own)
    assert gone.document is None
