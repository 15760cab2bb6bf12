"""Orders, documents and questions that the tests of generations share."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from indexer.draft import Draft
from indexer.generations.orders import Order
from indexer.generations.planning import Changes
from indexer.service import Indexer
from indexer.verification import verify
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.generations import Generation, GenerationState

ME = "operator"
OTHER = Order(Changes(model="hashing-32", chunk_tokens=16, overlap_tokens=0))
PATIENCE_S = 60.0
EXPIRED = {"generation_grace_s": 0, "page_ttl_s": 0, "deadline_ms": 0}
"""Settings of one for whom every grace period is over."""


def books(numbers: range, word: str = "tea") -> list[Draft]:
    """Documents of several chunks each, so that a build has several batches."""
    text = "The {} of number {} is steeped in hot water and served by the river at noon. "
    return [
        Draft(f"{number:03}", text.format(word, number) * 8, language="en") for number in numbers
    ]


async def built(indexer: Indexer, order: Order = OTHER) -> Generation:
    """A generation that is ready."""
    made = await indexer.generations.start("books", order, ME)
    await indexer.index_pending("books")
    ready = (await indexer.generations.get("books", made.id)).generation
    assert ready.state is GenerationState.READY
    return ready


async def search(services: Services, query: str, size: int = 10) -> SearchAnswer:
    """An answer of the live generation."""
    request = SearchRequest(query=query, size=size)
    return await SearchService(services).search("books", request)


async def check_clean(services: Services) -> None:
    """Ledger and both engines agree in every generation."""
    for generation in await services.ledger.collections.generations("books"):
        found = await verify(services, generation)
        assert not found.total, found
        assert not found.pending, generation


async def orphans(services: Services) -> list[str]:
    """Indexes of ``books`` that no generation owns."""
    kept = await services.ledger.collections.generations("books")
    return [*await services.lexical.orphans(kept), *await services.vectors.orphans(kept)]


async def has_written(indexer: Indexer, made: Generation) -> bool:
    """Whether the ledger was told of a build's progress."""
    return (await indexer.generations.get("books", made.id)).generation.build.documents > 0


async def is_whole(indexer: Indexer, made: Generation) -> bool:
    """Whether a build is ready, and no generation lacks anything."""
    standings = await indexer.generations.list("books")
    states = {each.generation.id: each.generation.state for each in standings}
    ready = states.get(made.id) is GenerationState.READY
    return ready and not any(each.pending for each in standings)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once a condition holds."""
    ends_s = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < ends_s
        await asyncio.sleep(0.02)
