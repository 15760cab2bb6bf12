"""What may be trained against: not another answer in disguise."""

from hypothesis import given
from hypothesis import strategies as st

from evaluation.training.groups import Mined
from evaluation.training.guards import Guard

ANSWER = Mined("a", "open the settings and choose a new password", 1, 2.0, 0.7, 1)


def _other(text: str = "weather", cosine: float = 0.3, grade: int | None = None) -> Mined:
    return Mined("b", text, grade, 1.0, cosine, 2)


def test_a_copy_of_an_answer_is_dropped() -> None:
    """More than the allowed share of the shorter text's words in common."""
    copied = _other("Open the settings, and choose a password")
    assert Guard().negatives([ANSWER], [copied, _other()]) == [_other()]


def test_another_chunk_of_the_answering_document_is_dropped() -> None:
    """Nobody said which of its chunks answers."""
    chunk = Mined("a", "weather", None, 1.0, 0.3, 2)
    assert Guard().negatives([ANSWER], [chunk]) == []


def test_what_is_nearer_to_the_query_than_the_answer_is_dropped() -> None:
    """By more than the ceiling."""
    near, below = _other(cosine=0.75), _other(cosine=0.72)
    assert Guard(ceiling=1.05).negatives([ANSWER], [near, below]) == [below]


def test_judged_passages_are_always_kept() -> None:
    """People have looked at them."""
    judged = _other(ANSWER.text, cosine=0.99, grade=0)
    assert Guard().negatives([ANSWER], [judged]) == [judged]


@given(st.lists(st.tuples(st.text(max_size=20), st.floats(-1, 1)), max_size=8))
def test_what_is_kept_keeps_its_order_and_the_rules(others: list[tuple[str, float]]) -> None:
    """For any candidates: a subsequence, none above the ceiling."""
    mined = [_other(text, cosine) for text, cosine in others]
    kept = Guard().negatives([ANSWER], mined)
    remaining = iter(mined)
    assert all(any(each is one for one in remaining) for each in kept)
    assert all(each.cosine <= 1.05 * ANSWER.cosine for each in kept)
