import itertools

from hypothesis import given
from hypothesis import strategies as st

from search_api.fusion import reciprocal_rank_fusion
from services.candidates import Hit
from services.documents import ChunkRef


def hits(*names: str) -> list[Hit]:
    return [Hit(ChunkRef(name, 0), 1, 10.0 - place) for place, name in enumerate(names)]


runs = st.dictionaries(
    st.sampled_from(["lexical", "vector", "third"]),
    st.lists(st.sampled_from("abcdefgh"), max_size=12).map(lambda names: hits(*names)),
    max_size=3,
)


def test_scores_are_the_sum_of_weight_over_k_plus_rank() -> None:
    """The formula of the paper, worked out by hand."""
    fused = reciprocal_rank_fusion(
        {"lexical": hits("a", "b"), "vector": hits("b", "c")}, {"vector": 2.0}, k=60
    )
    scores = {each.ref.document_id: each.score for each in fused}
    assert scores == {"a": 1 / 61, "b": 1 / 62 + 2 / 61, "c": 2 / 62}
    assert [each.ref.document_id for each in fused] == ["b", "c", "a"]


def test_a_leg_that_lacks_a_chunk_adds_nothing() -> None:
    """An absent chunk has no rank: it is not treated as if it stood last."""
    (only,) = reciprocal_rank_fusion({"lexical": hits("a"), "vector": []})
    assert only.score == 1 / 61
    assert set(only.places) == {"lexical"}


def test_a_repeated_chunk_counts_once_and_leaves_no_hole() -> None:
    """A duplicate within a leg neither adds to its score nor pushes the next chunk down."""
    fused = reciprocal_rank_fusion({"lexical": hits("a", "a", "b")})
    assert [(each.ref.document_id, each.score) for each in fused] == [("a", 1 / 61), ("b", 1 / 62)]


def test_legs_that_disagree_about_the_version_give_the_older_one() -> None:
    """A chunk that one leg holds in an older version is checked against that version."""
    ref = ChunkRef("a", 0)
    (only,) = reciprocal_rank_fusion({"lexical": [Hit(ref, 3, 1.0)], "vector": [Hit(ref, 2, 1.0)]})
    assert only.version == 2


def test_words_go_before_meaning_where_scores_are_equal() -> None:
    """Each leg's first alone: the exact words win, whatever the ids."""
    fused = reciprocal_rank_fusion({"vector": hits("a"), "lexical": hits("b")})
    assert [each.ref.document_id for each in fused] == ["b", "a"]


@given(runs)
def test_every_chunk_comes_out_once_best_first(legs: dict[str, list[Hit]]) -> None:
    """Nothing is lost, nothing doubled, and scores never rise down the list."""
    fused = reciprocal_rank_fusion(legs)
    assert sorted(each.ref for each in fused) == sorted(
        {hit.ref for run in legs.values() for hit in run}
    )
    scores = [each.score for each in fused]
    assert scores == sorted(scores, reverse=True)


@given(runs)
def test_the_order_of_the_legs_does_not_matter(legs: dict[str, list[Hit]]) -> None:
    """Ties are broken by a fixed rule, not by which leg was asked first."""
    backwards = dict(reversed(legs.items()))
    expected = [each.ref for each in reciprocal_rank_fusion(legs)]
    assert [each.ref for each in reciprocal_rank_fusion(backwards)] == expected


@given(runs, st.floats(0.1, 10))
def test_equal_weights_change_no_order(legs: dict[str, list[Hit]], weight: float) -> None:
    """Only the ratio of the weights matters."""
    same = dict.fromkeys(legs, weight)
    plain = reciprocal_rank_fusion(legs)
    weighted = {each.ref: each.score for each in reciprocal_rank_fusion(legs, same)}
    scaled = [weighted[each.ref] for each in plain]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(scaled))
