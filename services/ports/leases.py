"""Leases: at most one process at a time does a piece of work, and a late one is told."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    """What its holder shows when it writes.

    Attributes:
        name: what is leased, ``index:books`` for one.
        holder: who holds it, unique to a process and its task.
        fence: grows with each acquisition, so that an earlier holder is told from this one
            (a fencing token: Kleppmann 2017, Designing Data-Intensive Applications, ch. 8).
        ttl_s: the lease is another's to take once it stood unrenewed for so long.
    """

    name: str
    holder: str
    fence: int
    ttl_s: float


class Leases(Protocol):
    """Leases by name.

    Expiry compares no machine's clock with another's: who wants a lease takes it when it
    has seen the record unchanged for the record's own ``ttl_s`` on its own monotonic clock.
    """

    async def acquire(self, name: str, holder: str, ttl_s: float) -> Lease | None:
        """The lease, or None while another holder's is unexpired; ask again to watch it.

        The same holder may acquire again; the lease it had before is lost by that.
        """

    async def renew(self, lease: Lease) -> None:
        """Keep the lease for another ``ttl_s``; LeaseLost where it is the holder's no more."""

    async def release(self, lease: Lease) -> None:
        """Let others have it at once; nothing happens where it is the holder's no more."""
