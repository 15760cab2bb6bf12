"""What holds for generations on every stack: a test class inherits it and gives ``services``."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from indexer.generations.orders import Asked, Order
from indexer.generations.planning import Changes
from indexer.service import Indexer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.errors import AlreadyExists, InvalidInput, NotFound, PageExpired
from services.generations import GenerationState, Speed
from services.ports.lexical import Tombstone
from tests.generations.examples import (
    EXPIRED,
    ME,
    OTHER,
    PATIENCE_S,
    books,
    built,
    check_clean,
    has_written,
    is_whole,
    orphans,
    search,
    until,
)


class GenerationConformance:
    """Override the fixture ``services``."""

    @pytest.fixture
    async def services(self) -> Services:
        """The stack under test, empty."""
        raise NotImplementedError

    @pytest.fixture
    async def indexer(self, services: Services) -> AsyncIterator[Indexer]:
        """An indexer over a collection ``books`` with 60 documents; it works on demand."""
        indexer = Indexer(services)
        await indexer.create_collection("books", language="en")
        await indexer.put("books", books(range(60)))
        await indexer.index_pending("books")
        yield indexer
        await indexer.close()

    async def test_a_build_becomes_ready_and_live_when_told(
        self, services: Services, indexer: Indexer
    ) -> None:
        """Nothing changes for searches until the switch; then the new one answers."""
        made = await indexer.generations.start("books", OTHER, ME)
        assert made.state is GenerationState.BUILDING
        with pytest.raises(InvalidInput):
            await indexer.generations.activate("books", made.id, ME)
        await indexer.index_pending("books")
        before = await search(services, "tea")
        standing = await indexer.generations.get("books", made.id)
        assert standing.generation.state is GenerationState.READY
        assert standing.generation.build.documents == 60
        assert standing.generation.build.chunks > 60
        checks = await indexer.generations.check("books", made.id[:5])
        assert [each.name for each in checks] == ["complete", "refused", "contents", "samples"]
        assert all(each.passed for each in checks), checks
        live = await indexer.generations.activate("books", made.id, ME)
        assert live.state is GenerationState.LIVE
        after = await search(services, "tea")
        assert (before.generation, after.generation) == (
            (await indexer.generations.list("books"))[0].generation.id,
            made.id,
        )
        assert not after.degraded
        assert {each.id for each in before.results} <= {f"{n:03}" for n in range(60)}
        await check_clean(services)

    async def test_writes_and_deletes_during_a_build_reach_both(
        self, services: Services, indexer: Indexer
    ) -> None:
        """The backfill overwrites nothing fresher and resurrects nothing."""
        made = await indexer.generations.start(
            "books", replace(OTHER, speed=Speed(documents_per_s=60.0)), ME
        )
        indexer.start()
        await until(lambda: has_written(indexer, made))
        versions = {
            each.id: each.version
            for each in [
                *await indexer.put("books", books(range(50, 70), "coffee")),
                *await indexer.delete("books", [f"{number:03}" for number in range(5)]),
            ]
        }
        await indexer.wait_until_indexed("books", versions, PATIENCE_S)
        faster = Asked(speed=Speed())
        state = (await indexer.generations.get("books", made.id)).generation.state
        if state is GenerationState.BUILDING:
            await indexer.generations.change("books", made.id, ME, faster)
        await until(lambda: is_whole(indexer, made))
        await check_clean(services)
        await indexer.generations.activate("books", made.id, ME)
        found = await search(services, "coffee", size=50)
        assert {each.id for each in found.results} >= {f"{number:03}" for number in range(50, 70)}
        gone = await search(services, "number 3", size=100)
        assert "003" not in {each.id for each in gone.results}

    async def test_rollback_misses_nothing_that_was_written_since(
        self, services: Services, indexer: Indexer
    ) -> None:
        """Until its grace period ends the old one is written to as well."""
        first = (await indexer.generations.list("books"))[0].generation
        made = await built(indexer)
        await indexer.generations.activate("books", made.id, ME)
        with pytest.raises(InvalidInput):
            await indexer.generations.activate("books", made.id, ME)
        await indexer.put("books", books(range(60, 65), "cocoa"))
        await indexer.delete("books", ["001"])
        await indexer.index_pending("books")
        begun_s = time.monotonic()
        back = await indexer.generations.rollback("books", ME)
        assert time.monotonic() - begun_s < 10
        assert back.id == first.id
        found = await search(services, "cocoa", size=50)
        assert {each.id for each in found.results} >= {f"{number:03}" for number in range(60, 65)}
        assert found.generation == first.id
        await check_clean(services)
        late = replace(services, settings=services.settings.model_copy(update=EXPIRED))
        behind = Indexer(late)
        await behind.put("books", books(range(70, 72), "juice"))
        await behind.index_pending("books")
        assert (await indexer.generations.get("books", made.id)).pending == 2
        again = await behind.generations.rollback("books", ME)
        assert again.id == made.id
        assert not (await indexer.generations.get("books", made.id)).pending
        await behind.close()

    async def test_pages_and_requests_keep_their_generation(
        self, services: Services, indexer: Indexer
    ) -> None:
        """A frozen list goes on where it began; one search under way ends where it began."""
        service = SearchService(services)
        first = await service.search("books", SearchRequest(query="tea number", size=5))
        made = await built(indexer)
        under_way = [
            asyncio.create_task(service.search("books", SearchRequest(query=f"river noon {n}")))
            for n in range(8)
        ]
        await asyncio.sleep(0)
        await indexer.generations.activate("books", made.id, ME)
        answers = await asyncio.gather(*under_way)
        kept = {each.generation.id for each in await indexer.generations.list("books")}
        assert {each.generation for each in answers} <= kept
        assert all(each.results and not each.degraded for each in answers)
        page = await service.search("books", SearchRequest(next=first.next, size=5))
        assert page.generation == first.generation
        assert page.results
        assert not {each.id for each in page.results} & {each.id for each in first.results}

    async def test_a_cancelled_build_leaves_nothing(
        self, services: Services, indexer: Indexer
    ) -> None:
        """Neither the ledger nor the engines know of it; the next one begins anew."""
        made = await indexer.generations.start(
            "books", replace(OTHER, speed=Speed(documents_per_s=5.0)), ME
        )
        indexer.start()
        await until(lambda: has_written(indexer, made))
        await indexer.generations.cancel("books", made.id, ME)
        assert [each.generation.state for each in await indexer.generations.list("books")] == [
            GenerationState.LIVE
        ]
        assert await orphans(services) == []
        with pytest.raises(NotFound):
            await indexer.generations.get("books", made.id)
        live = (await indexer.generations.list("books"))[0].generation
        with pytest.raises(InvalidInput):
            await indexer.generations.cancel("books", live.id, ME)
        await asyncio.sleep(0.2)
        assert await orphans(services) == []
        assert (await search(services, "tea")).results

    async def test_a_paused_build_rests_until_it_may_go_on(
        self, services: Services, indexer: Indexer
    ) -> None:
        """Live writes reach the live one meanwhile; going on finds the rest."""
        made = await indexer.generations.start("books", OTHER, ME)
        await indexer.generations.change("books", made.id, ME, Asked(paused=True))
        await indexer.put("books", books(range(60, 62)))
        await indexer.index_pending("books")
        standing = await indexer.generations.get("books", made.id)
        assert standing.pending == 62
        assert standing.waiting == "paused"
        await indexer.generations.change("books", made.id, ME, Asked(paused=False))
        await indexer.index_pending("books")
        standing = await indexer.generations.get("books", made.id)
        assert standing.generation.state is GenerationState.READY
        await check_clean(services)

    async def test_what_passes_no_check_is_no_switch(
        self, services: Services, indexer: Indexer
    ) -> None:
        """A build with a fault waits for its operator, and a ready one is looked at again."""
        made = await built(indexer)
        index = await services.lexical.open(made)
        entries = await services.ledger.documents.read("books", ["007"])
        await index.write([], [Tombstone("007", entries["007"].version + 1)])
        with pytest.raises(InvalidInput, match="007"):
            await indexer.generations.activate("books", made.id, ME)
        (entry,) = await services.ledger.audit.read("books", limit=1)
        assert (entry.action, entry.outcome, entry.generation) == ("activate", "refused", made.id)
        live = await indexer.generations.activate("books", made.id, ME, force=True)
        assert live.id == made.id

    async def test_garbage_is_what_is_past_its_grace_and_unused(
        self, services: Services, indexer: Indexer
    ) -> None:
        """Not the live one, none in its grace period, none that a search runs on."""
        first = (await indexer.generations.list("books"))[0].generation
        made = await built(indexer)
        service = SearchService(services)
        page = await service.search("books", SearchRequest(query="tea", size=5))
        await indexer.generations.activate("books", made.id, ME)
        removed = await indexer.generations.garbage.collect("books", ME)
        assert not removed.generations
        assert {name for name, _ in removed.kept} == {first.id, made.id}
        short = replace(services, settings=services.settings.model_copy(update=EXPIRED))
        impatient = Indexer(short)
        with services.usage.on(first):
            removed = await impatient.generations.garbage.collect("books", ME)
            assert dict(removed.kept)[first.id] == "1 searches run on it"
        removed = await impatient.generations.garbage.collect("books", ME, dry_run=True)
        assert removed.generations == [first.id]
        removed = await impatient.generations.garbage.collect("books", ME)
        assert removed.generations == [first.id]
        assert await orphans(services) == []
        with pytest.raises(PageExpired):
            await service.search("books", SearchRequest(next=page.next))
        with pytest.raises(InvalidInput):
            await indexer.generations.rollback("books", ME)
        assert (await search(services, "tea")).generation == made.id
        await impatient.close()

    async def test_one_build_at_a_time_and_the_same_goes_on(
        self, services: Services, indexer: Indexer
    ) -> None:
        """The same order finds its build; another is refused, as is what is live already."""
        with pytest.raises(AlreadyExists):
            await indexer.generations.start("books", Order(), ME)
        forced = await indexer.generations.start("books", Order(force=True), ME)
        await indexer.generations.cancel("books", forced.id, ME)
        made = await indexer.generations.start("books", OTHER, ME)
        same = await indexer.generations.start("books", replace(OTHER, activate=True), ME)
        assert same.id == made.id
        with pytest.raises(AlreadyExists):
            await indexer.generations.start("books", Order(Changes(chunk_tokens=20)), ME)
        await indexer.index_pending("books")
        live = (await indexer.generations.get("books", made.id)).generation
        assert live.state is GenerationState.LIVE
        told = [
            (each.action, each.who, each.outcome)
            for each in await services.ledger.audit.read("books")
            if each.generation == made.id
        ]
        assert told == [
            ("activate", "winnow", "done"),
            ("complete", "winnow", "done"),
            ("reindex", ME, "done"),
            ("reindex", ME, "done"),
        ]
