from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from search_api.window import plan_window
from services.documents import ChunkRef

orders = st.lists(
    st.builds(ChunkRef, st.sampled_from("abcd"), st.integers(0, 20)), unique=True, max_size=40
)


@given(orders, st.integers(0, 60), st.integers(0, 60), st.integers(1, 4))
def test_the_window_is_the_best_of_the_order_within_its_bounds(
    order: list[ChunkRef], limit: int, affordable: int, per_document: int
) -> None:
    """Never over a bound, in order, and no eligible better chunk is left out."""
    plan = plan_window(order, limit=limit, affordable=affordable, per_document=per_document)
    assert len(plan.refs) <= min(limit, affordable)
    assert [ref for ref in order if ref in plan.refs] == list(plan.refs)
    counts = Counter(ref.document_id for ref in plan.refs)
    assert all(count <= per_document for count in counts.values())
    if plan.bounded_by == "candidates":
        passed_over = [ref for ref in order if ref not in plan.refs]
        assert all(counts[ref.document_id] == per_document for ref in passed_over)
    else:
        assert len(plan.refs) == min(limit, affordable)


def test_the_window_says_what_bounded_it() -> None:
    """A setting, the budget, or that there was nothing more."""
    order = [ChunkRef(str(place), 0) for place in range(10)]

    def bound(limit: int, affordable: int) -> str:
        return plan_window(order, limit=limit, affordable=affordable, per_document=3).bounded_by

    assert bound(5, 8) == "setting"
    assert bound(8, 5) == "budget"
    assert bound(50, 50) == "candidates"
