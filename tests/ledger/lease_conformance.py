"""What every ledger must do with leases and its audit log."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import LeaseLost
from services.ports.audit import AuditEntry
from services.ports.leases import Lease
from services.ports.ledger import Ledger
from tests.ledger.conformance import LedgerConformance

_LONG_S = 60.0
_SHORT_S = 0.2


async def _taken(ledger: Ledger, name: str, holder: str, ttl_s: float = _LONG_S) -> Lease:
    """The lease, which must be free."""
    lease = await ledger.leases.acquire(name, holder, ttl_s)
    assert lease is not None
    return lease


class LeaseConformance(LedgerConformance):
    """Leases: one holder at a time, told apart by fences."""

    async def test_one_holder_at_a_time(self, ledger: Ledger) -> None:
        """Others wait until it is released; names do not meet."""
        lease = await _taken(ledger, "index:a", "first")
        assert (lease.name, lease.holder, lease.ttl_s) == ("index:a", "first", _LONG_S)
        assert await ledger.leases.acquire("index:a", "second", _LONG_S) is None
        assert await ledger.leases.acquire("index:b", "second", _LONG_S) is not None
        await ledger.leases.renew(lease)
        await ledger.leases.release(lease)
        await ledger.leases.release(lease)
        assert (await _taken(ledger, "index:a", "second")).fence > lease.fence

    async def test_of_many_one_wins(self, ledger: Ledger) -> None:
        """Whoever asks at once, one holds it."""
        asked = (ledger.leases.acquire("index:a", f"holder {n}", _LONG_S) for n in range(8))
        assert sum(lease is not None for lease in await asyncio.gather(*asked)) == 1

    async def test_fences_grow(self, ledger: Ledger) -> None:
        """With each acquisition, the same holder's too, which loses the lease it had."""
        first = await _taken(ledger, "index:a", "one")
        second = await _taken(ledger, "index:a", "one")
        assert second.fence > first.fence
        with pytest.raises(LeaseLost):
            await ledger.leases.renew(first)
        await ledger.leases.release(first)
        await ledger.leases.renew(second)
        with pytest.raises(LeaseLost):
            await ledger.leases.renew(Lease("never taken", "one", 1, _LONG_S))

    async def test_an_unrenewed_lease_expires(self, ledger: Ledger) -> None:
        """It is another's once it stood unchanged for its time; its holder is told."""
        lost = await _taken(ledger, "index:a", "first", _SHORT_S)
        assert await ledger.leases.acquire("index:a", "second", _LONG_S) is None
        await asyncio.sleep(_SHORT_S * 1.5)
        taken = await _taken(ledger, "index:a", "second")
        assert taken.fence > lost.fence
        with pytest.raises(LeaseLost):
            await ledger.leases.renew(lost)
        await ledger.leases.release(lost)
        assert await ledger.leases.acquire("index:a", "third", _LONG_S) is None

    async def test_a_renewed_lease_lasts(self, ledger: Ledger) -> None:
        """A renewal starts the time again, however long the watcher has watched."""
        lease = await _taken(ledger, "index:a", "first", 1.0)
        assert await ledger.leases.acquire("index:a", "second", _LONG_S) is None
        await asyncio.sleep(1.1)
        await ledger.leases.renew(lease)
        assert await ledger.leases.acquire("index:a", "second", _LONG_S) is None


class AuditConformance(LedgerConformance):
    """The audit log."""

    async def test_newest_first(self, ledger: Ledger) -> None:
        """In the order of appending, whatever the clocks said; of one collection, or all."""
        start = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)
        entries = [
            AuditEntry(
                start - timedelta(seconds=n),
                "key 'ops'",
                "activate",
                ("books", "maps")[n % 2],
                f"g{n}",
                "done",
                f"line\n{n} é",
            )
            for n in range(5)
        ]
        assert not await ledger.audit.read()
        for entry in entries:
            await ledger.audit.append(entry)
        assert list(await ledger.audit.read()) == entries[::-1]
        assert list(await ledger.audit.read(limit=2)) == entries[:2:-1]
        assert list(await ledger.audit.read("maps")) == [entries[3], entries[1]]
        assert not await ledger.audit.read("absent")
