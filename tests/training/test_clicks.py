"""Clicks become judgments only where somebody must have seen what was not clicked."""

from evaluation.training.clicks import Impression, judgments_of


def _seen(query: str, shown: str, clicked: str) -> Impression:
    return Impression(query, shown.split(), frozenset(clicked.split()))


def test_skipped_above_a_click_does_not_answer() -> None:
    """Two skips make a document judged; what stands below the last click is not."""
    seen = [_seen("reset", "a b c d", "c"), _seen("reset", "a c b d", "c")]
    assert judgments_of(seen) == {"reset": {"c": 1, "a": 0}}


def test_a_document_that_is_mostly_skipped_is_left_out() -> None:
    """One click in five is neither an answer nor its opposite."""
    seen = [_seen("q", "a b", "a b")] + [_seen("q", "a b", "b")] * 4
    assert judgments_of(seen) == {"q": {"b": 1}}


def test_queries_without_clicks_say_nothing() -> None:
    """An answer may have stood in the list itself."""
    assert judgments_of([_seen("q", "a b", "")] * 9) == {}


def test_spaces_do_not_make_another_query() -> None:
    """Impressions of one query are counted together."""
    seen = [_seen("reset  password", "a b", "b"), _seen("reset password", "a b", "b")]
    assert judgments_of(seen) == {"reset password": {"b": 1, "a": 0}}
