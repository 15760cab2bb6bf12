import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search_api.late import BM25_WEIGHT, COSINE_WEIGHT, MAX_SIM_WEIGHT, blend
from search_api.service import SearchService
from services.assembly import open_services
from services.documents import ChunkRef
from services.ports.models import Passage
from services.settings import Settings

from .conftest import LIBRARY, Library, stocked

scores = arrays(np.float64, 6, elements=st.integers(-500, 500).map(lambda tenths: tenths / 10))


@pytest.fixture
async def tokens_library(tmp_path: Path) -> AsyncIterator[Library]:
    settings = Settings(
        data_dir=tmp_path, bi_encoder="hashing", cross_encoder="", token_dimensions=64,
        deadline_ms=20_000, _env_file=None,
    )  # fmt: skip
    async with open_services(settings) as services:
        yield await stocked(services, *LIBRARY)


@given(scores, scores, scores)
def test_a_blend_does_not_depend_on_the_scale_of_its_parts(
    cosine: np.ndarray, max_sim: np.ndarray, bm25: np.ndarray
) -> None:
    """BM25 of a long query counts no more than that of a short one."""
    expected = blend(cosine, max_sim, bm25)
    assert np.allclose(blend(cosine, max_sim, bm25 * 8 + 3), expected, atol=1e-6)


@given(scores)
def test_a_score_that_is_the_same_for_all_decides_nothing(cosine: np.ndarray) -> None:
    """Without any word in common the other two scores order alone."""
    flat = np.full(6, 7.0)
    assert np.allclose(blend(cosine, flat, flat), blend(cosine, flat * 0, flat * 3))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 10**6))
def test_chunks_are_named_by_uuid5(document: str, ordinal: int) -> None:
    """Both engines know a chunk by it, so it may never change."""
    namespace = uuid.UUID("6f1c9a52-2f4e-5d0b-9c57-77696e6e6f77")
    expected = str(uuid.uuid5(namespace, f"{ordinal}:{document}"))
    assert ChunkRef(document, ordinal).uuid == expected


@given(st.floats(-1e6, 1e6, width=32))
def test_equal_scores_stay_equal(score: float) -> None:
    """Rounding in their mean is no difference between them."""
    flat = np.full(6, score)
    assert blend(flat, flat, flat).tolist() == [0.0] * 6


def test_each_part_has_its_weight() -> None:
    """Worked out by hand: two candidates are one deviation from their mean."""
    low_high, flat = np.array([0.0, 2.0]), np.zeros(2)
    assert blend(low_high, flat, flat).tolist() == [-COSINE_WEIGHT, COSINE_WEIGHT]
    assert blend(flat, low_high, flat).tolist() == [-MAX_SIM_WEIGHT, MAX_SIM_WEIGHT]
    assert blend(flat, flat, low_high).tolist() == [-BM25_WEIGHT, BM25_WEIGHT]


async def test_late_interaction_orders_and_says_so(tokens_library: Library) -> None:
    """Where no cross-encoder is wanted it is the reranker; its scores stand in explain."""
    answer = await tokens_library.search("cold coffee with ice", explain=True)
    assert answer.reranked
    assert answer.degraded == []
    assert "late" in [stage.name for stage in answer.stages]
    assert "late_interaction" in answer.models
    best = answer.results[0]
    assert best.id == "iced"
    assert best.scored_by == "late"
    assert best.explain is not None
    assert best.explain.max_sim is not None
    assert best.explain.cosine is not None
    assert best.explain.late == best.score
    assert [result.score for result in answer.results] == sorted(
        (result.score for result in answer.results), reverse=True
    )


async def test_max_sim_is_the_mean_of_each_query_tokens_best(tokens_library: Library) -> None:
    """The engine's score against the definition, on the encoder's own vectors."""
    services = tokens_library.services
    assert services.embedder is not None
    query = "cold coffee"
    encoded = await services.embedder.embed_query(query)
    answer = await tokens_library.search(query, explain=True)
    winner = answer.results[0]
    assert winner.explain is not None
    head = await services.ledger.collections.head("default")
    generation = await services.lexical.open(head.live)
    ref = ChunkRef(winner.id, winner.explain.winning_chunk or 0)
    chunk = (await generation.read([ref]))[ref]
    passage = Passage(chunk.text, winner.title, chunk.heading_path)
    stored = services.embedder.encoder.encode_passages([passage])
    assert encoded.tokens is not None
    assert stored.tokens is not None
    dots = encoded.tokens[0].astype(np.float32) @ stored.tokens[0].astype(np.float32).T
    assert winner.explain.max_sim == pytest.approx(float(dots.max(axis=1).mean()), abs=2e-3)


async def test_reranking_can_be_asked_for_by_name(tokens_library: Library) -> None:
    """``none`` leaves it out; ``late`` runs it; without token vectors that is said."""
    assert not (await tokens_library.search("coffee", rerank="none")).reranked
    assert (await tokens_library.search("coffee", rerank="late")).reranked
    lexical = await tokens_library.search("coffee", rerank="late", mode="lexical")
    assert "late_interaction_missing" in lexical.degraded


async def test_the_window_bounds_what_it_orders(tokens_library: Library) -> None:
    """Past the window the fused order goes on."""
    services = tokens_library.services
    narrow = services.settings.model_copy(update={"late_window": 2})
    service = SearchService(replace(services, settings=narrow))
    library = replace(tokens_library, search_service=service)
    answer = await library.search("hot coffee water")
    assert [result.scored_by for result in answer.results[:3]] == ["late", "late", "fused"]
