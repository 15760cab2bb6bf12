import math

from hypothesis import given
from hypothesis import strategies as st

from search_api.fusion import Fused, Place
from search_api.ordering import candidates_of, probability, results, with_cross_encoder_scores
from search_api.request import Aggregation
from services.documents import ChunkRef


def chain(*names: str) -> list[Fused]:
    """Chunks as "document:ordinal" in fused order of two legs."""
    fused = []
    for rank, name in enumerate(names, start=1):
        document, ordinal = name.split(":")
        places = {"lexical": Place(rank, 1.0)} | ({"vector": Place(rank, 1.0)} if rank == 1 else {})
        fused.append(Fused(ChunkRef(document, int(ordinal)), 1, 1 / (60 + rank), places))
    return fused


def ids(items: object) -> list[str]:
    return [item.document_id for item in items]  # type: ignore[attr-defined]


def test_a_better_score_lifts_a_document_and_the_rest_follow_in_fused_order() -> None:
    """Window first by its scores, then what was never read."""
    order = candidates_of(chain("a:0", "b:0", "c:0", "d:0"))
    scored = with_cross_encoder_scores(order, order[:2], [-3.0, 4.0], [False, False], 0.0)
    assert ids(results(scored, Aggregation.MAX, 3)) == ["b", "a", "c", "d"]


def test_a_score_that_is_not_finite_keeps_its_fused_place() -> None:
    """Neither the bottom nor the top: the reranker said nothing about it."""
    order = candidates_of(chain("a:0", "b:0", "c:0"))
    for nothing in (None, math.nan, math.inf):
        scored = with_cross_encoder_scores(order, order, [1.0, nothing, 2.0], [False] * 3, 0.0)
        assert ids(results(scored, Aggregation.MAX, 3)) == ["c", "b", "a"]


def test_a_document_is_as_good_as_its_best_chunk_and_shows_that_one_first() -> None:
    """The winning chunk leads the passages."""
    order = candidates_of(chain("a:0", "b:0", "a:1"))
    scored = with_cross_encoder_scores(order, order, [-1.0, 0.0, 2.0], [False] * 3, 0.0)
    first, second = results(scored, Aggregation.MAX, 3)
    assert first.document_id == "a"
    assert [chunk.ref.ordinal for chunk in first.chunks] == [1, 0]
    assert first.score == probability(2.0)
    assert second.document_id == "b"


def test_the_fused_score_decides_where_the_cross_encoder_has_no_say() -> None:
    """With a weight of 1 the blend is the fused order again."""
    order = candidates_of(chain("a:0", "b:0", "c:0"))
    scored = with_cross_encoder_scores(order, order, [-1.0, 0.0, 1.0], [False] * 3, 1.0)
    assert ids(results(scored, Aggregation.MAX, 3)) == ["a", "b", "c"]


def test_one_leg_alone_keeps_the_engines_score() -> None:
    """BM25 scores are worth more to a sum over chunks than reciprocal ranks."""
    (only,) = candidates_of([Fused(ChunkRef("a", 0), 1, 1 / 61, {"lexical": Place(1, 12.5)})])
    assert (only.score, only.scored_by, only.fused) == (12.5, "lexical", 1 / 61)


names = st.lists(
    st.builds("{}:{}".format, st.sampled_from("abcdef"), st.integers(0, 4)),
    unique=True,
    max_size=20,
)


@given(names, st.data(), st.sampled_from(Aggregation), st.booleans())
def test_results_hold_every_document_once(
    chunks: list[str], data: st.DataObject, rule: Aggregation, by_passage: bool
) -> None:
    """Whatever was scored, no document is lost or repeated."""
    order = candidates_of(chain(*chunks))
    size = data.draw(st.integers(0, len(order)))
    logits = data.draw(st.lists(st.none() | st.floats(-9, 9), min_size=size, max_size=size))
    scored = with_cross_encoder_scores(order, order[:size], logits, [False] * size, 0.0)
    items = results(scored, rule, 3, by_passage=by_passage, keep=99)
    if by_passage:
        assert sorted(item.chunks[0].ref for item in items) == sorted(each.ref for each in order)
    else:
        assert sorted(ids(items)) == sorted({each.ref.document_id for each in order})
        kept = sorted(chunk.ref for item in items for chunk in item.chunks)
        assert kept == sorted(each.ref for each in order)


@given(st.floats(-800, 800))
def test_the_probability_never_overflows(logit: float) -> None:
    """Extreme logits of a confident model are fine."""
    assert 0.0 <= probability(logit) <= 1.0
