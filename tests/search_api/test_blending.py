"""A model that corrects the order before it is counted with that order, others are not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.ordering import probability, with_cross_encoder_scores
from search_api.ranking import Candidate
from services.documents import ChunkRef


def _window(late: list[float | None]) -> list[Candidate]:
    return [
        Candidate(ChunkRef(f"d{place}", 0), 1, 1.0 - place / 10, "late", {}, late=share)
        for place, share in enumerate(late)
    ]


def _scores(window: list[Candidate], logits: list[float], scale: float | None) -> list[float]:
    scored = with_cross_encoder_scores(window, window, logits, [False] * len(window), 0.0, scale)
    return [candidate.score for candidate in scored]


def test_a_published_model_orders_alone() -> None:
    """Without a scale the scores are its own probabilities."""
    window = _window([0.9, 0.1])
    assert _scores(window, [0.5, 2.0], None) == [probability(0.5), probability(2.0)]


def test_the_blends_logit_is_added() -> None:
    """``scale`` times the log-odds of late interaction's score, plus the model's logit."""
    window = _window([0.9, 0.1])
    first, second = _scores(window, [0.5, 2.0], 1.5)
    assert first == pytest.approx(probability(1.5 * math.log(9) + 0.5))
    assert second == pytest.approx(probability(-1.5 * math.log(9) + 2.0))


def test_without_late_interaction_the_order_before_counts_by_its_z_score() -> None:
    """A search by words alone, say: the model was never trained to order by itself."""
    window = _window([None, None, None])
    scores = _scores(window, [0.0, 0.0, 0.0], 2.0)
    assert scores == sorted(scores, reverse=True)
    assert scores[1] == pytest.approx(0.5)


def test_the_raw_logit_stays_for_the_explanation() -> None:
    """What was added to it is told by the other columns."""
    window = _window([0.9])
    scored = with_cross_encoder_scores(window, window, [0.25], [False], 0.0, 2.0)
    assert scored[0].cross_encoder == 0.25


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(-30, 30)), min_size=1, max_size=8),
    st.floats(0.1, 8),
)
def test_every_blend_is_a_probability(rows: list[tuple[float, float]], scale: float) -> None:
    """Also where the blend before was as good as certain."""
    window = _window([share for share, _ in rows])
    scores = _scores(window, [logit for _, logit in rows], scale)
    assert all(0 <= score <= 1 for score in scores)


def test_equal_scores_before_add_nothing() -> None:
    """Nothing to tell apart is no reason to divide by zero."""
    window = [Candidate(ChunkRef(f"d{i}", 0), 1, 0.5, "fused", {}) for i in range(2)]
    assert _scores(window, [1.0, -1.0], 2.0) == [probability(1.0), probability(-1.0)]
