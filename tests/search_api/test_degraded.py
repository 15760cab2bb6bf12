"""Searches when something is missing, slow or down."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.errors import BackendUnavailable, ModelUnavailable
from services.generations import Generation
from services.models.shelf import EncoderShelf
from services.ports.models import Embedder, RerankRequest, RerankResult
from services.settings import Settings

from .conftest import Library


class BrokenIndex:
    """An index of which each call fails, or takes for ever."""

    def __init__(self, fault: Callable[[], Any]) -> None:
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        async def call(*_: object) -> Any:
            return await self._fault()

        return call


class BrokenStore:
    """A store that opens broken indexes."""

    def __init__(self, fault: Callable[[], Any]) -> None:
        self._fault = fault

    async def open(self, generation: Generation) -> Any:
        return BrokenIndex(self._fault)

    async def drop(self, generation: Generation) -> None: ...
    async def ping(self) -> None: ...
    async def close(self) -> None: ...


async def refuse() -> None:
    raise BackendUnavailable("connection refused")


async def hang() -> None:
    await asyncio.sleep(3_600)


def nothing_to_load(settings: Settings) -> Embedder:
    raise ModelUnavailable(f"{settings.bi_encoder} is nowhere.")


class HalfReranker:
    """Scores the first few passages and runs out of time."""

    def __init__(self, services: Services, scored: int) -> None:
        assert services.reranker is not None
        self._inner = services.reranker
        self._scored = scored
        self.card = self._inner.card

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        return 50

    async def rerank(self, request: RerankRequest) -> RerankResult:
        result = await self._inner.rerank(request)
        cut = [None] * (len(result.scores) - self._scored)
        return replace(result, scores=[*result.scores[: self._scored], *cut])

    async def ping(self) -> None: ...
    async def close(self) -> None: ...


class DeadReranker(HalfReranker):
    """A queue that nobody serves."""

    async def rerank(self, request: RerankRequest) -> RerankResult:
        raise BackendUnavailable("no worker took the request")


REQUEST = SearchRequest(query="hot coffee", deadline_ms=1_000)


async def test_a_leg_that_is_down_is_named_and_the_other_answers(library: Library) -> None:
    """The answer is degraded, says how, and is not cached."""
    for field, reason in (("vectors", "vector_unavailable"), ("lexical", "lexical_unavailable")):
        broken = replace(library.services, **{field: BrokenStore(refuse)})
        service = SearchService(broken)
        for _ in range(2):
            answer = await service.search("default", REQUEST)
            assert reason in answer.degraded
            assert answer.results
            assert answer.results[0].passages
            assert not answer.cached
        expected = "eq" if field == "vectors" else "gte"
        assert answer.total.relation == expected


async def test_a_leg_that_hangs_costs_no_more_than_its_deadline(library: Library) -> None:
    """The other leg's answer comes with the reason."""
    service = SearchService(replace(library.services, vectors=BrokenStore(hang)))
    answer = await asyncio.wait_for(service.search("default", REQUEST), 5)
    assert "vector_timeout" in answer.degraded
    assert answer.results


async def test_without_any_leg_there_is_no_answer_but_a_retry(library: Library) -> None:
    """503 with Retry-After, never an empty list."""
    broken = replace(library.services, vectors=BrokenStore(refuse), lexical=BrokenStore(refuse))
    with pytest.raises(BackendUnavailable) as caught:
        await SearchService(broken).search("default", REQUEST)
    assert caught.value.retry_after_s


async def test_pages_of_a_degraded_answer_stay_frozen(library: Library) -> None:
    """They are kept like any other list."""
    service = SearchService(replace(library.services, vectors=BrokenStore(refuse)))
    first = await service.search("default", SearchRequest(query="hot", size=1))
    second = await service.search("default", SearchRequest(next=first.next, size=1))
    assert second.results[0].rank == 2
    assert "vector_unavailable" in second.degraded


async def test_a_missing_cross_encoder_leaves_a_working_search(library: Library) -> None:
    """``reranked: false`` and why."""
    bare = replace(library.services, reranker=None, missing={"cross_encoder": "not found"})
    answer = await SearchService(bare).search("default", REQUEST)
    assert answer.results
    assert not answer.reranked
    assert "cross_encoder_missing" in answer.degraded


async def test_a_dead_reranker_leaves_the_fused_order(library: Library) -> None:
    """The same order as without reranking, and the reason."""
    service = SearchService(replace(library.services, reranker=DeadReranker(library.services, 0)))
    answer = await service.search("default", REQUEST)
    plain = await library.search("hot coffee", rerank="none")
    assert answer.degraded == ["reranker_unavailable"]
    assert not answer.reranked
    assert [each.id for each in answer.results] == [each.id for each in plain.results]


async def test_what_the_deadline_cut_off_keeps_its_fused_place(library: Library) -> None:
    """The answer tells how many of the window were read."""
    service = SearchService(replace(library.services, reranker=HalfReranker(library.services, 2)))
    answer = await service.search("default", REQUEST)
    assert answer.window is not None
    assert answer.window.scored == 2
    assert answer.window.bounded_by == "deadline"
    assert "rerank_deadline" in answer.degraded


async def test_without_a_bi_encoder_words_answer_and_vector_mode_does_not(
    library: Library,
) -> None:
    """Hybrid degrades; a search by meaning alone has nothing to offer."""
    service = SearchService(
        replace(
            library.services,
            embedder=None,
            shelf=EncoderShelf(library.services.settings, None, nothing_to_load),
            missing={"bi_encoder": "not found"},
        )
    )
    answer = await service.search("default", REQUEST)
    assert "bi_encoder_missing" in answer.degraded
    assert answer.results
    with pytest.raises(ModelUnavailable):
        await service.search("default", SearchRequest(query="hot", mode="vector"))
