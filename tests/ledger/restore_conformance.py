"""What every ledger must do to be read from end to end and restored."""

from dataclasses import replace
from datetime import UTC, datetime

from services.documents import Document, Heading
from services.generations import Generation
from services.ports.ledger import DeadLetter, Ledger, Record, Write
from tests.ledger.conformance import LedgerConformance
from tests.ledger.examples import delete, put

_AT = datetime(2020, 2, 3, 4, 5, 6, 7, tzinfo=UTC)


def _record(identifier: str, version: int, text: str | None, language: str = "en") -> Record:
    document = None if text is None else Document(identifier, text, language=language)
    return Record(identifier, version, document, _AT)


class RestoreConformance(LedgerConformance):
    """Every record read, and restored as it was."""

    async def test_records_page_by_id(self, ledger: Ledger, live: Generation) -> None:
        """Tombstones included; bounded in number and in bytes, one at least."""
        names = ["a", "a/1", "b", "é", "\uffff", "😀"]
        await ledger.documents.accept("books", [put(name, "x" * 100) for name in names])
        await ledger.documents.accept("books", [delete("b")])

        async def ids(after: str, limit: int = 9, room: int = 10_000) -> list[str]:
            page = await ledger.documents.records("books", after, limit, room)
            return [record.document_id for record in page]

        assert await ids("") == names
        assert await ids("a", 2) == ["a/1", "b"]
        assert await ids("😀") == []
        for room, expected in ((1, 1), (199, 1), (200, 3), (300, 4)):
            assert await ids("", room=room) == names[:expected]
        read = await ledger.documents.read("books", names)
        assert list(await ledger.documents.records("books", "", 9)) == [
            read[name] for name in names
        ]

    async def test_restored_records_are_as_they_were(
        self, ledger: Ledger, live: Generation
    ) -> None:
        """Versions, times, content and tombstones; all of it pending, counted, in the epoch."""
        full = Document(
            "a",
            "text \ud800",
            title="t",
            url="u",
            language="de",
            metadata={"day": _AT, "n": (1, 2)},
            principals=("staff",),
            outline=(Heading(0, 1, "text"),),
        )
        records = [Record("a", 7, full, _AT), _record("b", 3, None), _record("c", 1, "c")]
        epoch = (await ledger.collections.head("books")).epoch
        assert await ledger.documents.restore("books", records) == 3
        assert list(await ledger.documents.records("books", "", 9)) == records
        assert await ledger.documents.languages("books") == {"de": 1, "en": 1}
        assert (await ledger.collections.head("books")).epoch > epoch
        pending = await ledger.documents.pending(live, 9)
        assert sorted(record.document_id for record in pending) == ["a", "b", "c"]
        same, changed = await ledger.documents.accept("books", [Write("a", full), put("b")])
        assert (same.version, same.changed) == (7, False)
        assert (changed.version, changed.changed) == (4, True)

    async def test_a_newer_version_wins(self, ledger: Ledger, live: Generation) -> None:
        """What the ledger holds stays where it is not older; marks stay with it."""
        await ledger.documents.accept("books", [put("a", "1"), put("b", "1"), put("c", "1")])
        await ledger.documents.accept("books", [put("a", "2"), put("c", "2"), delete("c")])
        await ledger.documents.mark(live, {"a": 2, "b": 1, "c": 3})
        epoch = (await ledger.collections.head("books")).epoch
        old = [_record("a", 1, "old"), _record("b", 1, "other"), _record("c", 2, "old")]
        assert await ledger.documents.restore("books", old) == 0
        assert await ledger.documents.restore("books", []) == 0
        assert (await ledger.collections.head("books")).epoch == epoch
        assert await ledger.documents.backlog(live) == 0
        newer = replace(old[1], version=5)
        assert await ledger.documents.restore("books", [old[0], newer, old[2]]) == 1
        assert (await ledger.documents.read("books", ["b"]))["b"] == newer
        assert await ledger.documents.waiting(live, ["a", "b", "c"]) == {"b"}
        assert await ledger.documents.languages("books") == {"": 1, "en": 1}

    async def test_a_version_is_superseded(self, ledger: Ledger, live: Generation) -> None:
        """Above its own and the given one, the content as it was; an unknown id is a tombstone."""
        await ledger.documents.accept("books", [put("a", "1", language="en"), put("b"), put("c")])
        await ledger.documents.accept("books", [put("b", "2"), delete("c")])
        before = await ledger.documents.read("books", ["a", "b", "c"])
        letter = DeadLetter("b", 2, "odd", _AT)
        await ledger.documents.mark(live, {"a": 1, "c": 2}, [letter])
        epoch = (await ledger.collections.head("books")).epoch
        assert await ledger.documents.supersede("books", {"a": 6, "b": 1, "c": 2, "x": 4}) == 4
        assert await ledger.documents.supersede("books", {}) == 0
        after = dict(await ledger.documents.read("books", ["a", "b", "c", "x"]))
        versions = {name: record.version for name, record in after.items()}
        assert versions == {"a": 7, "b": 3, "c": 3, "x": 5}
        assert after.pop("x").document is None
        assert after == {
            name: replace(record, version=versions[name]) for name, record in before.items()
        }
        assert await ledger.documents.backlog(live) == 4
        assert not await ledger.documents.dead_letters(live)
        assert await ledger.documents.languages("books") == {"en": 1, "": 1}
        assert (await ledger.collections.head("books")).epoch > epoch
        (accepted,) = await ledger.documents.accept("books", [put("b", "2")])
        assert (accepted.version, accepted.changed) == (3, False)
