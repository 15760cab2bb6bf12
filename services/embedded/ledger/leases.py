"""Leases in the ledger's file."""

import sqlite3

from services.embedded.ledger.database import Database
from services.embedded.ledger.rows import Row
from services.errors import LeaseLost
from services.expiry import Expiry
from services.ports.leases import Lease

_LEASE = "SELECT holder, fence, beat, ttl_s FROM leases WHERE name = ?"


class SqliteLeases:
    """Implements :class:`services.ports.leases.Leases`.

    One process owns the data directory, so whoever held a lease when the file was last
    open is gone: :meth:`forget_holders` frees what a killed process left.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._expiry = Expiry()

    async def forget_holders(self) -> None:
        """Free every lease; their fences stay."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE leases SET holder = '' WHERE holder <> ''")

        await self._database.write(work)

    async def acquire(self, name: str, holder: str, ttl_s: float) -> Lease | None:
        """The lease, or None while another holder's is unexpired."""

        def work(connection: sqlite3.Connection) -> Lease | None:
            row: Row | None = connection.execute(_LEASE, (name,)).fetchone()
            if (
                row is not None
                and row[0] not in ("", holder)
                and not self._expiry.expired(name, row, row[3])
            ):
                return None
            (fence,) = connection.execute(
                "INSERT INTO leases VALUES (?, ?, 1, 0, ?) ON CONFLICT DO UPDATE SET "
                "holder = excluded.holder, fence = fence + 1, beat = 0, ttl_s = excluded.ttl_s "
                "RETURNING fence",
                (name, holder, ttl_s),
            ).fetchone()
            return Lease(name, holder, fence, ttl_s)

        return await self._database.write(work)

    async def renew(self, lease: Lease) -> None:
        """Keep the lease for another ``ttl_s``; LeaseLost where it is the holder's no more."""

        def work(connection: sqlite3.Connection) -> None:
            check_lease(connection, lease)
            connection.execute("UPDATE leases SET beat = beat + 1 WHERE name = ?", (lease.name,))

        await self._database.write(work)

    async def release(self, lease: Lease) -> None:
        """Let others have it at once; nothing happens where it is the holder's no more."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE leases SET holder = '' WHERE name = ? AND holder = ? AND fence = ?",
                (lease.name, lease.holder, lease.fence),
            )

        await self._database.write(work)


def check_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Raise LeaseLost unless the lease is still its holder's."""
    row = connection.execute(_LEASE, (lease.name,)).fetchone()
    if row is None or row[:2] != (lease.holder, lease.fence):
        raise LeaseLost(f"The lease {lease.name!r} was taken over: this process must stop.")
