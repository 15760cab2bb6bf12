"""What every ledger does: an adapter's test class inherits both halves and gives ``ledger``."""

import asyncio
from dataclasses import replace

import pytest

from services.collections import Collection, FieldType, Schema
from services.errors import (
    AlreadyExists,
    CollectionNotFound,
    InvalidInput,
    NotFound,
    SchemaConflict,
)
from services.generations import Build, Generation, GenerationState, Speed
from services.ports.ledger import Ledger
from tests.ledger.examples import generation, put


class LedgerConformance:
    """Override the fixture ``ledger``."""

    @pytest.fixture
    async def ledger(self) -> Ledger:
        """The adapter under test, empty."""
        raise NotImplementedError

    @pytest.fixture
    async def live(self, ledger: Ledger) -> Generation:
        """The live generation of the collection ``books``."""
        return (await ledger.collections.create(Collection("books"), generation())).live


class CollectionConformance(LedgerConformance):
    """Collections, generations and the pointer."""

    async def test_create_and_get(self, ledger: Ledger) -> None:
        """A collection is found again as it was given, its generation live."""
        schema = Schema({"z": FieldType.DATE, "a": FieldType.KEYWORD})
        collection = Collection("books", schema, "en")
        head = await ledger.collections.create(collection, generation())
        assert head.live == replace(
            generation(), state=GenerationState.LIVE, created_at=head.live.created_at
        )
        found = await ledger.collections.get("books")
        assert found == collection
        assert list(found.schema.fields) == ["z", "a"]
        assert await ledger.collections.head("books") == head
        assert await ledger.collections.state("books") == (collection, head)
        with pytest.raises(AlreadyExists):
            await ledger.collections.create(collection, generation())

    async def test_list_is_by_name(self, ledger: Ledger) -> None:
        """All of them, in order."""
        for name in ("b", "a", "c"):
            await ledger.collections.create(Collection(name), generation(collection=name))
        assert [found.name for found in await ledger.collections.list()] == ["a", "b", "c"]

    async def test_a_collection_that_is_absent(self, ledger: Ledger) -> None:
        """Every call says so."""
        for call in (
            ledger.collections.get("books"),
            ledger.collections.head("books"),
            ledger.collections.state("books"),
            ledger.collections.delete("books"),
            ledger.collections.generations("books"),
            ledger.collections.extend_schema(Collection("books")),
            ledger.documents.accept("books", [put("a")]),
            ledger.documents.count("books"),
            ledger.documents.read("books", ["a"]),
            ledger.documents.pending(generation(), 1),
        ):
            with pytest.raises(CollectionNotFound):
                await call

    async def test_delete_forgets_everything(self, ledger: Ledger, live: Generation) -> None:
        """A collection of the same name begins anew."""
        await ledger.documents.accept("books", [put("a"), put("b")])
        await ledger.collections.delete("books")
        await ledger.collections.create(Collection("books"), live)
        assert await ledger.documents.count("books") == 0
        assert not await ledger.documents.pending(live, 10)
        (accepted,) = await ledger.documents.accept("books", [put("a")])
        assert accepted.version == 1

    async def test_schemas_are_merged(self, ledger: Ledger, live: Generation) -> None:
        """Concurrent extensions meet; a type once given stays."""
        first = Collection("books", Schema({"year": FieldType.INTEGER}))
        second = Collection("books", Schema({"tag": FieldType.KEYWORD}))
        await asyncio.gather(
            ledger.collections.extend_schema(first), ledger.collections.extend_schema(second)
        )
        merged = await ledger.collections.extend_schema(Collection("books"))
        assert dict(merged.schema.fields) == {
            "year": FieldType.INTEGER,
            "tag": FieldType.KEYWORD,
        }
        with pytest.raises(SchemaConflict):
            await ledger.collections.extend_schema(
                Collection("books", Schema({"year": FieldType.DATE}))
            )
        assert await ledger.collections.get("books") == merged

    async def test_activation_is_compare_and_set(self, ledger: Ledger, live: Generation) -> None:
        """Of two who saw the same record one wins; rollback is the same switch back."""
        for identifier in ("g2", "g3"):
            await ledger.collections.put_generation(generation(identifier))
        revision = (await ledger.collections.head("books")).revision
        switched = await ledger.collections.activate(generation("g2"), revision)
        assert switched.live.id == "g2"
        with pytest.raises(AlreadyExists):
            await ledger.collections.activate(generation("g3"), revision)
        states = [kept.state for kept in await ledger.collections.generations("books")]
        assert states == [
            GenerationState.RETIRED,
            GenerationState.LIVE,
            GenerationState.BUILDING,
        ]
        back = await ledger.collections.activate(live, switched.revision)
        assert back.live == live
        assert back.epoch > switched.epoch
        with pytest.raises(NotFound):
            await ledger.collections.activate(generation("absent"), back.revision)

    async def test_the_live_generation_is_safe(self, ledger: Ledger, live: Generation) -> None:
        """It is not forgotten, and made or unmade by activation alone."""
        with pytest.raises(InvalidInput):
            await ledger.collections.forget_generation(live)
        for state in GenerationState:
            with pytest.raises(InvalidInput):
                await ledger.collections.put_generation(replace(live, state=state))
        with pytest.raises(InvalidInput):
            await ledger.collections.put_generation(generation("g2", state=GenerationState.LIVE))

    async def test_a_generation_changes_its_state(self, ledger: Ledger, live: Generation) -> None:
        """Its state, but not its configuration; forgotten, it is gone with its marks."""
        await ledger.documents.accept("books", [put("a")])
        await ledger.collections.put_generation(generation("g2"))
        await ledger.collections.put_generation(generation("g2", state=GenerationState.RETIRED))
        _, second = await ledger.collections.generations("books")
        assert second.state is GenerationState.RETIRED
        with pytest.raises(AlreadyExists):
            await ledger.collections.put_generation(generation("g2", analyzers="2"))
        await ledger.collections.forget_generation(second)
        assert await ledger.collections.generations("books") == [live]
        with pytest.raises(NotFound):
            await ledger.documents.pending(second, 1)
        await ledger.collections.put_generation(generation("g2", analyzers="2"))

    async def test_retirement_is_dated(self, ledger: Ledger, live: Generation) -> None:
        """It begins with the switch away, ends with the one back, and a copy changes nothing."""
        await ledger.collections.put_generation(generation("g2"))
        head = await ledger.collections.activate(generation("g2"), 1)
        retired, second = await ledger.collections.generations("books")
        assert retired.retired_at is not None
        assert second.retired_at is None
        await ledger.collections.put_generation(retired)
        assert (await ledger.collections.generations("books"))[0] == retired
        await ledger.collections.activate(live, head.revision)
        back, second = await ledger.collections.generations("books")
        assert back.retired_at is None
        assert second.retired_at is not None

    async def test_a_discarded_generation_is_never_live(
        self, ledger: Ledger, live: Generation
    ) -> None:
        """Whoever switches to it meanwhile is told; the pointer stays."""
        await ledger.collections.put_generation(generation("g2"))
        await ledger.collections.put_generation(generation("g2", state=GenerationState.DISCARDED))
        with pytest.raises(NotFound):
            await ledger.collections.activate(generation("g2"), 1)
        assert (await ledger.collections.head("books")).live == live

    async def test_builds_are_changed_one_after_another(
        self, ledger: Ledger, live: Generation
    ) -> None:
        """What one changes no other overwrites, and a change of state keeps it."""
        asked = Build(activate=True, speed=Speed(12.5, 0.5))
        await ledger.collections.put_generation(replace(generation("g2"), build=asked))
        target = generation("g2")

        def written(held: Generation) -> Generation:
            build = held.build
            more = replace(build, documents=build.documents + 1, seconds=build.seconds + 0.5)
            return replace(held, build=more)

        def paused(held: Generation) -> Generation:
            return replace(held, build=replace(held.build, paused=True))

        ledgers = ledger.collections
        changes = [ledgers.change_generation(target, written) for _ in range(5)]
        pause = ledgers.change_generation(target, paused)
        await asyncio.gather(*changes, pause)
        await ledger.collections.put_generation(generation("g2", state=GenerationState.READY))
        _, second = await ledger.collections.generations("books")
        assert second.build == replace(asked, paused=True, documents=5, seconds=2.5)
        assert second.state is GenerationState.READY
        with pytest.raises(NotFound):
            await ledger.collections.change_generation(generation("absent"), written)
        for mine, state in ((live, GenerationState.RETIRED), (second, GenerationState.LIVE)):
            with pytest.raises(InvalidInput):
                await ledgers.change_generation(
                    mine, lambda held, state=state: held.moved_to(state)
                )
