"""Holding the lease on a collection's indexing for as long as a round takes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from services.errors import BackendUnavailable, LeaseLost
from services.ports.leases import Lease, Leases
from services.process import process_name

_RENEWALS = 4

_log = logging.getLogger(__name__)


def new_holder() -> str:
    """A name for one who indexes, unique to the process and to the drainer in it."""
    return f"{process_name()}:{uuid4().hex[:8]}"


@asynccontextmanager
async def leading(
    leases: Leases, collection: str, holder: str, ttl_s: float
) -> AsyncIterator[Lease | None]:
    """The lease on a collection's indexing, renewed while the block runs.

    None where another process holds it: that one does the work. A lease that is lost on the
    way is not told of: the next mark, which shows it, is refused.
    """
    lease = await leases.acquire(f"index:{collection}", holder, ttl_s)
    if lease is None:
        yield None
        return
    renewing = asyncio.create_task(_renew(leases, lease), name="winnow-lease")
    try:
        yield lease
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with suppress(BackendUnavailable):
            await leases.release(lease)


async def _renew(leases: Leases, lease: Lease) -> None:
    while True:
        await asyncio.sleep(lease.ttl_s / _RENEWALS)
        try:
            await leases.renew(lease)
        except LeaseLost as error:
            _log.warning("%s", error.detail)
            return
        except BackendUnavailable as error:
            _log.warning("The lease %s could not be renewed: %s", lease.name, error.detail)
