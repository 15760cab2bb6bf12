"""What every ledger does: an adapter's test class inherits both halves and gives ``ledger``."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.collections import Collection, FieldType, Schema
from services.documents import Document, Heading
from services.errors import (
    AlreadyExists,
    CollectionNotFound,
    InvalidInput,
    NotFound,
    SchemaConflict,
)
from services.generations import Generation, GenerationState
from services.ports.ledger import DeadLetter, Ledger, Write
from tests.ledger.examples import delete, generation, put


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


class DocumentConformance(LedgerConformance):
    """Documents, versions and marks."""

    async def test_documents_come_back_as_given(self, ledger: Ledger, live: Generation) -> None:
        """Every field, any Unicode, dates and arrays included."""
        given = Document(
            "dir/ä b?#%.txt",
            "Text \U0001f600\x00 and a lone surrogate \ud800",
            title="Title é",
            url="https://example.org/?a=b",
            language="de",
            metadata={
                "day": datetime(1850, 1, 1, tzinfo=UTC),
                "days": (datetime(2020, 1, 1, 1, 2, 3, 4, tzinfo=UTC),),
                "odd \"key'": ("x", "y"),
                "number": 2**63 - 1,
                "price": 2.0,
                "flag": False,
            },
            principals=("staff", "*"),
            outline=(Heading(0, 1, "Text"), Heading(5, 2, "and")),
        )
        await ledger.documents.accept("books", [Write(given.id, given)])
        record = (await ledger.documents.read("books", [given.id, "absent"]))[given.id]
        assert record.document == given
        assert isinstance(record.document.metadata["price"], float)
        (summary,) = (await ledger.documents.summaries("books", ["absent", given.id])).values()
        assert dict(summary.metadata) == dict(given.metadata)
        assert (summary.title, summary.url, summary.language, summary.principals) == (
            given.title,
            given.url,
            given.language,
            given.principals,
        )

    async def test_versions_grow_with_changes_only(self, ledger: Ledger, live: Generation) -> None:
        """Also across deletion and re-creation; the same content takes none."""
        accepted = await ledger.documents.accept(
            "books",
            [
                put("a"),
                put("a"),
                put("a", "other"),
                delete("a"),
                delete("a"),
                put("a", "other"),
                delete("never"),
            ],
        )
        assert [(one.version, one.changed) for one in accepted] == [
            (1, True),
            (1, False),
            (2, True),
            (3, True),
            (3, False),
            (4, True),
            (0, False),
        ]
        assert "never" not in await ledger.documents.read("books", ["never"])

    async def test_tombstones_are_records(self, ledger: Ledger, live: Generation) -> None:
        """They are read and pending, but neither listed, counted nor summed up."""
        await ledger.documents.accept("books", [put("a"), put("b"), delete("a")])
        record = (await ledger.documents.read("books", ["a"]))["a"]
        assert (record.version, record.document) == (2, None)
        assert list(await ledger.documents.summaries("books", ["a", "b"])) == ["b"]
        assert [one.document_id for one in await ledger.documents.list("books", "", 9)] == ["b"]
        assert await ledger.documents.count("books") == 1
        assert {one.document_id for one in await ledger.documents.pending(live, 9)} == {"a", "b"}

    async def test_list_pages_by_id_and_prefix(self, ledger: Ledger, live: Generation) -> None:
        """In the order of code points; the prefix is text, never a pattern."""
        names = ["a", "a%", "a/1", "a/2", "a_", "b", "é", "\ud7ff", "\uffff", "\U0010ffff", "😀"]
        await ledger.documents.accept("books", [put(name) for name in names])

        async def listed(prefix: str) -> list[str]:
            found: list[str] = []
            while page := await ledger.documents.list(
                "books", found[-1] if found else "", 2, prefix
            ):
                found += [summary.document_id for summary in page]
            return found

        assert await listed("") == sorted(names)
        for prefix in ("a", "a/", "a%", "\ud7ff", "\U0010ffff", "\uffff", "absent"):
            assert await listed(prefix) == sorted(name for name in names if name.startswith(prefix))

    async def test_languages_are_counted(self, ledger: Ledger, live: Generation) -> None:
        """Live documents only, as they change."""
        await ledger.documents.accept(
            "books", [put("a", language="en"), put("b", language="en"), put("c", language="de")]
        )
        await ledger.documents.accept("books", [put("a", language="de"), delete("b")])
        assert await ledger.documents.languages("books") == {"de": 2}
        assert await ledger.documents.count("books") == 2

    async def test_pending_is_oldest_change_first(self, ledger: Ledger, live: Generation) -> None:
        """A document changed again moves to the end; marks take documents out."""
        for name in ("c", "a", "b"):
            await ledger.documents.accept("books", [put(name)])
        await ledger.documents.accept("books", [put("c", "again")])

        async def pending(limit: int = 9) -> list[str]:
            return [one.document_id for one in await ledger.documents.pending(live, limit)]

        assert await pending() == ["a", "b", "c"]
        assert await pending(2) == ["a", "b"]
        assert await ledger.documents.backlog(live) == 3
        await ledger.documents.mark(live, {"a": 1, "c": 1})
        assert await pending() == ["b", "c"]
        await ledger.documents.mark(live, {"c": 2})
        assert await pending() == ["b"]
        assert await ledger.documents.waiting(live, ["a", "b", "x"]) == {"b"}
        await ledger.documents.accept("books", [delete("a")])
        assert await pending() == ["b", "a"]

    async def test_pending_is_bounded_in_bytes(self, ledger: Ledger, live: Generation) -> None:
        """At least one record, then as many as fit."""
        await ledger.documents.accept("books", [put(name, "x" * 100) for name in "abc"])
        for room, expected in ((1, 1), (199, 1), (200, 2), (1000, 3)):
            assert len(await ledger.documents.pending(live, 9, room)) == expected

    async def test_dead_letters(self, ledger: Ledger, live: Generation) -> None:
        """A refused version is pending no more; a change or a success clears the letter."""
        at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
        await ledger.documents.accept("books", [put("b"), put("a"), put("a", "newer")])
        letters = [
            DeadLetter("b", 1, "too odd", at),
            DeadLetter("a", 1, "old", at),
            DeadLetter("absent", 1, "?", at),
        ]
        await ledger.documents.mark(live, {}, letters)
        assert await ledger.documents.dead_letters(live) == [letters[0]]
        assert [one.document_id for one in await ledger.documents.pending(live, 9)] == ["a"]
        await ledger.documents.accept("books", [put("b", "mended")])
        assert not await ledger.documents.dead_letters(live)
        assert await ledger.documents.backlog(live) == 2

    async def test_a_new_generation_has_all_to_do(self, ledger: Ledger, live: Generation) -> None:
        """Every document is pending in it, oldest change first, and later writes as well."""
        for name in ("b", "a"):
            await ledger.documents.accept("books", [put(name)])
        await ledger.documents.mark(live, {"a": 1, "b": 1})
        second = generation("g2")
        await ledger.collections.put_generation(second)
        await ledger.documents.accept("books", [put("c")])
        pending = await ledger.documents.pending(second, 9)
        assert [one.document_id for one in pending] == ["b", "a", "c"]
        assert [one.document_id for one in await ledger.documents.pending(live, 9)] == ["c"]

    async def test_the_epoch_grows_with_changes(self, ledger: Ledger, live: Generation) -> None:
        """With every acknowledged and every indexed write, and with nothing else."""

        async def epoch() -> int:
            return (await ledger.collections.head("books")).epoch

        start = await epoch()
        await ledger.documents.accept("books", [put("a")])
        accepted = await epoch()
        assert accepted > start
        await ledger.documents.accept("books", [put("a"), delete("b")])
        assert await epoch() == accepted
        assert await ledger.documents.mark(live, {"a": 1}) == await epoch() > accepted
        assert await ledger.documents.mark(live, {}) == await epoch()

    async def test_accept_is_one_transaction(self, ledger: Ledger, live: Generation) -> None:
        """A write that cannot be stored leaves nothing of its batch behind."""
        broken = Document("z", "text", metadata={"odd": object()})  # type: ignore[dict-item]
        with pytest.raises(TypeError):
            await ledger.documents.accept("books", [put("a"), Write("z", broken)])
        assert await ledger.documents.count("books") == 0
        await ledger.documents.accept("books", [put("a")])

    async def test_writers_queue(self, ledger: Ledger, live: Generation) -> None:
        """Concurrent writes of one document each take a version of their own."""
        results = await asyncio.gather(
            *(ledger.documents.accept("books", [put("a", f"{n}")]) for n in range(20))
        )
        assert sorted(one.version for (one,) in results) == list(range(1, 21))
        await ledger.ping()
