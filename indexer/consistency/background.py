"""Reconciliation by itself, slowly, while Winnow serves."""

import asyncio
import logging

from indexer.draining import Drainer
from indexer.generations.auditing import WINNOW, audited
from indexer.leading import new_holder
from indexer.reconciliation import reconcile
from indexer.verification import Walk
from services.assembly import Services
from services.errors import NotFound, WinnowError

SHARE = 0.1
"""How much of its time a background walk works; searches and writes come first."""

FIRST_S = 600.0
"""The first walk comes so long after the start, or sooner where the interval is shorter."""

_LOOKS = 20

_log = logging.getLogger(__name__)


class BackgroundReconciliation:
    """Walks over every collection once in an interval, whichever process comes first.

    The lease on a walk is neither renewed nor released: it lasts as long as the interval,
    so that no other process walks the same collection meanwhile.
    """

    def __init__(self, services: Services, drainer: Drainer) -> None:
        self._services = services
        self._ledger = services.ledger
        self._drainer = drainer
        self._interval_s = float(services.settings.reconcile_interval_s)

    async def run(self) -> None:
        """Walk until cancelled; an interval of 0 walks never."""
        if not self._interval_s:
            return
        await asyncio.sleep(min(FIRST_S, self._interval_s))
        while True:
            try:
                for collection in await self._ledger.collections.list():
                    await self.turn(collection.name)
            except WinnowError as error:
                _log.warning("Reconciliation waits: %s", error.detail)
            await asyncio.sleep(self._interval_s / _LOOKS)

    async def turn(self, collection: str) -> bool:
        """Walk over a collection if it is its turn; returns whether it was to the end.

        One that fails holds up no other.
        """
        lease = await self._ledger.leases.acquire(
            f"reconcile:{collection}", new_holder(), self._interval_s
        )
        if lease is None:
            return False
        try:
            repairs = await reconcile(self._services, collection, Walk(SHARE))
        except NotFound:
            return False
        except WinnowError as error:
            _log.warning("Reconciliation of '%s' broke off: %s", collection, error.detail)
            return False
        if repairs.wrote:
            _log.warning("'%s' had discrepancies: %s", collection, repairs.summary)
            self._drainer.wake(collection)
            async with audited(self._ledger.audit, WINNOW, "reconcile", collection) as action:
                action.detail = repairs.summary
        return True
