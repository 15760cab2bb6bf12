"""What every ledger must do with marks: read them, take them back, refuse late ones."""

from datetime import UTC, datetime

import pytest

from services.errors import LeaseLost, NotFound
from services.generations import Generation
from services.ports.ledger import DeadLetter, Ledger, MarkState, Standing
from tests.ledger.conformance import LedgerConformance
from tests.ledger.examples import delete, generation, put

_AT = datetime(2026, 1, 1, tzinfo=UTC)


class MarkConformance(LedgerConformance):
    """Marks, standings, dead letters that are retried or dropped, fences."""

    @pytest.fixture
    async def marked(self, ledger: Ledger, live: Generation) -> Generation:
        """Where a is indexed, b refused, c changed since, d deleted and indexed, e pending."""
        await ledger.documents.accept("books", [put(name) for name in "abcd"])
        letters = [DeadLetter("b", 1, "odd", _AT)]
        await ledger.documents.mark(live, {"a": 1, "c": 1, "d": 1}, letters)
        await ledger.documents.accept("books", [put("c", "new"), delete("d"), put("e")])
        await ledger.documents.mark(live, {"d": 2})
        return live

    async def test_marks_are_of_the_newest_version(
        self, ledger: Ledger, marked: Generation
    ) -> None:
        """What is pending, refused or unknown has none."""
        assert await ledger.documents.marks(marked, ["x", *"edcba"]) == {"a": 1, "d": 2}

    async def test_standings_tell_every_record(self, ledger: Ledger, marked: Generation) -> None:
        """Tombstones included, by id, page by page."""
        expected = [
            Standing("a", 1, False, MarkState.INDEXED),
            Standing("b", 1, False, MarkState.REFUSED),
            Standing("c", 2, False, MarkState.PENDING),
            Standing("d", 2, True, MarkState.INDEXED),
            Standing("e", 1, False, MarkState.PENDING),
        ]
        assert list(await ledger.documents.standings(marked, "", 9)) == expected
        assert list(await ledger.documents.standings(marked, "a", 2)) == expected[1:3]
        assert not await ledger.documents.standings(marked, "e", 2)

    async def test_each_generation_has_marks_of_its_own(
        self, ledger: Ledger, marked: Generation
    ) -> None:
        """Unmarking in one leaves the other."""
        second = generation("g2")
        await ledger.collections.put_generation(second)
        assert await ledger.documents.marks(second, ["a"]) == {}
        await ledger.documents.mark(second, {"a": 1})
        await ledger.documents.unmark(marked, ["a"])
        assert await ledger.documents.marks(second, ["a"]) == {"a": 1}
        assert await ledger.documents.marks(marked, ["a"]) == {}

    async def test_what_is_unmarked_is_pending_again(
        self, ledger: Ledger, marked: Generation
    ) -> None:
        """Indexed or refused; what is pending already is not counted, nor what is unknown."""
        assert await ledger.documents.unmark(marked, ["a", "b", "c", "d", "x"]) == 3
        assert not await ledger.documents.dead_letters(marked)
        assert await ledger.documents.backlog(marked) == 5
        assert await ledger.documents.unmark(marked, ["a", "b"]) == 0
        await ledger.documents.mark(marked, {"a": 1, "b": 1})
        assert await ledger.documents.marks(marked, ["a", "b"]) == {"a": 1, "b": 1}

    async def test_dropped_dead_letters_stay_settled(
        self, ledger: Ledger, marked: Generation
    ) -> None:
        """Off the list, neither pending nor indexed; retried or changed they begin anew."""
        assert await ledger.documents.drop_dead_letters(marked, ["a", "b", "e", "x"]) == 1
        assert await ledger.documents.drop_dead_letters(marked, ["b"]) == 0
        assert not await ledger.documents.dead_letters(marked)
        assert await ledger.documents.waiting(marked, ["b"]) == frozenset()
        assert await ledger.documents.marks(marked, ["b"]) == {}
        (standing,) = await ledger.documents.standings(marked, "a", 1)
        assert standing.state is MarkState.REFUSED
        assert await ledger.documents.unmark(marked, ["b"]) == 1
        await ledger.documents.mark(marked, {"b": 1})
        assert await ledger.documents.marks(marked, ["b"]) == {"b": 1}

    async def test_a_fence_keeps_late_marks_out(self, ledger: Ledger, marked: Generation) -> None:
        """The holder's marks are written; those of one who lost the lease are not."""
        lease = await ledger.leases.acquire("index:books", "first", 60)
        assert lease is not None
        await ledger.documents.mark(marked, {"e": 1}, fence=lease)
        await ledger.leases.release(lease)
        with pytest.raises(LeaseLost):
            await ledger.documents.mark(marked, {"c": 2}, fence=lease)
        newer = await ledger.leases.acquire("index:books", "second", 60)
        with pytest.raises(LeaseLost):
            await ledger.documents.mark(marked, {"c": 2}, fence=lease)
        assert await ledger.documents.marks(marked, ["c", "e"]) == {"e": 1}
        await ledger.documents.mark(marked, {"c": 2}, fence=newer)
        assert await ledger.documents.marks(marked, ["c"]) == {"c": 2}

    async def test_a_forgotten_generation_takes_no_marks(
        self, ledger: Ledger, marked: Generation
    ) -> None:
        """Nor is anything asked of it, nor does a later one of its name inherit any."""
        second = generation("g2")
        await ledger.collections.put_generation(second)
        await ledger.documents.mark(second, {"a": 1})
        await ledger.collections.forget_generation(second)
        for call in (
            ledger.documents.mark(second, {"a": 1}),
            ledger.documents.marks(second, ["a"]),
            ledger.documents.standings(second, "", 1),
            ledger.documents.unmark(second, ["a"]),
            ledger.documents.drop_dead_letters(second, ["a"]),
        ):
            with pytest.raises(NotFound):
                await call
        await ledger.collections.put_generation(second)
        assert await ledger.documents.marks(second, ["a"]) == {}
