"""What every ledger must do with documents, their versions and marks."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.documents import Document, Heading
from services.generations import Generation
from services.ports.ledger import DeadLetter, Ledger, Write
from tests.ledger.conformance import LedgerConformance
from tests.ledger.examples import delete, generation, put


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

    async def test_pending_versions_are_the_records_unread(
        self, ledger: Ledger, live: Generation
    ) -> None:
        """In the same order, with the length of their text; a deletion has none."""
        writes = [put("b", "ää"), put("a", "text"), put("c"), delete("b")]
        for write in writes:
            await ledger.documents.accept("books", [write])
        await ledger.documents.mark(live, {"c": 1})
        found = await ledger.documents.pending_versions(live, 9)
        assert [(each.document_id, each.version, each.bytes) for each in found] == [
            ("a", 1, 4),
            ("b", 2, 0),
        ]
        assert await ledger.documents.pending_versions(live, 1) == found[:1]
        await ledger.documents.accept("books", [put("c", "ää")])
        assert (await ledger.documents.pending_versions(live, 9))[-1].bytes == 4

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
