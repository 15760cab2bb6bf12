"""A second, smaller reranker for when the first is down or would miss the budget."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.rerankers import by_preference
from search_api.service import SearchService
from services.assembly import Services, open_services
from services.errors import BackendUnavailable, Overloaded
from services.models.overlap import OVERLAP
from services.ports.models import Reranker, RerankRequest, RerankResult
from services.settings import Settings

from .conftest import LIBRARY, Library, stocked

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-cross-encoder"


class Busy:
    """A reranker that affords what it is told, or fails."""

    def __init__(self, inner: Reranker, affords: int = 50, error: Exception | None = None) -> None:
        self._inner = inner
        self._affords = affords
        self._error = error
        self.card = inner.card
        self.asked = 0

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        return self._affords

    async def rerank(self, request: RerankRequest) -> RerankResult:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return await self._inner.rerank(request)

    async def ping(self) -> None: ...
    async def close(self) -> None: ...


def settings_in(folder: Path, **more: object) -> Settings:
    fixed = {"bi_encoder": "hashing", "budget_ms": 5_000, "deadline_ms": 20_000, "hub": False}
    return Settings(data_dir=folder, _env_file=None, **(fixed | more))  # type: ignore[arg-type]


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """A real small model as the first, the instant one as the fallback."""
    chosen = settings_in(tmp_path, cross_encoder=str(TINY), fallback_cross_encoder=OVERLAP)
    async with open_services(chosen) as opened:
        yield opened


@pytest.fixture
async def library(services: Services) -> Library:
    return await stocked(services, *LIBRARY)


def with_first(library: Library, first: Busy | None) -> Library:
    """The library behind another first reranker."""
    services = replace(library.services, reranker=first)
    return replace(library, services=services, search_service=SearchService(services))


def first_of(library: Library) -> Reranker:
    """The real one."""
    assert library.services.reranker is not None
    return library.services.reranker


async def test_the_first_scores_while_it_can(library: Library) -> None:
    """The fallback is loaded, and not heard of."""
    answer = await library.search("hot coffee")
    assert answer.models["cross_encoder"].name == TINY.name
    assert answer.degraded == []
    assert len(library.services.rerankers) == 2


@pytest.mark.parametrize("error", [BackendUnavailable("no worker"), Overloaded("busy")])
async def test_the_fallback_scores_where_the_first_fails(
    library: Library, error: Exception
) -> None:
    """The answer is reranked, names who did it, and is not kept in the cache."""
    first = Busy(first_of(library), error=error)
    broken = with_first(library, first)
    for _ in range(2):
        answer = await broken.search("hot coffee")
        assert answer.models["cross_encoder"].name == OVERLAP
        assert answer.degraded == ["reranker_fallback"]
        assert answer.reranked
        assert not answer.cached
    assert first.asked == 2


async def test_the_fallback_scores_where_the_first_would_miss_the_budget(library: Library) -> None:
    """Where it cannot put the first page in order it is not asked at all."""
    first = Busy(first_of(library), affords=1)
    slow = with_first(library, first)
    answer = await slow.search("hot coffee")
    assert answer.models["cross_encoder"].name == OVERLAP
    assert answer.window is not None
    assert answer.window.scored > 1
    assert answer.degraded == ["reranker_fallback"]
    assert first.asked == 0
    assert (await slow.search("hot coffee", size=1)).models["cross_encoder"].name == TINY.name


async def test_the_fallback_stands_in_for_a_model_that_is_missing(tmp_path: Path) -> None:
    """Weights that are nowhere to be had are a first reranker that is down."""
    chosen = settings_in(tmp_path, cross_encoder="nobody/nothing", fallback_cross_encoder=str(TINY))
    async with open_services(chosen) as services:
        assert "cross_encoder" in services.missing
        library = await stocked(services, *LIBRARY)
        answer = await library.search("hot coffee")
        assert answer.models["cross_encoder"].name == TINY.name
        assert answer.degraded == ["reranker_fallback"]


async def test_where_both_fail_the_order_stays_and_the_reason_is_the_first_ones(
    library: Library,
) -> None:
    """As without a fallback."""
    services = replace(
        library.services,
        reranker=Busy(first_of(library), error=Overloaded("busy")),
        fallback=Busy(first_of(library), error=BackendUnavailable("broken")),
    )
    broken = replace(library, services=services, search_service=SearchService(services))
    answer = await broken.search("hot coffee")
    plain = await library.search("hot coffee", rerank="none")
    assert answer.degraded == ["reranker_overloaded"]
    assert [each.id for each in answer.results] == [each.id for each in plain.results]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=3), st.integers(1, 20))
def test_the_better_model_is_asked_first_unless_it_does_too_little(
    affords: list[int], needed: int
) -> None:
    """Who scores the first page is preferred, the better model among equals; nobody is lost."""
    rerankers = [_Affording(count) for count in affords]
    order = by_preference(rerankers, lambda each: each.affords, needed)  # type: ignore[attr-defined, arg-type]
    assert sorted(map(id, order)) == sorted(map(id, rerankers))
    useful = [min(each.affords, needed) for each in order]
    if affords[0] >= needed:
        assert order[0] is rerankers[0]
    else:
        assert useful == sorted(useful, reverse=True)


class _Affording:
    def __init__(self, affords: int) -> None:
        self.affords = affords
