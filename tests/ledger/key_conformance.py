"""What every ledger does with keys."""

from datetime import UTC, datetime, timedelta

import pytest

from services.errors import AlreadyExists, NotFound
from services.ports.keys import StoredKey
from services.ports.ledger import Ledger
from tests.ledger.conformance import LedgerConformance


class KeyConformance(LedgerConformance):
    """Keys."""

    async def test_keys_are_kept_until_they_are_removed(self, ledger: Ledger) -> None:
        """The oldest first, as they were given; each by its own id."""
        start = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)
        kept = [
            StoredKey(f"{n:08x}", f"shop é {n}", n % 2 == 0, f"{n:064x}", start + timedelta(days=n))
            for n in range(4)
        ]
        assert not await ledger.keys.list()
        with pytest.raises(NotFound):
            await ledger.keys.remove(kept[0].id)
        for key in reversed(kept):
            await ledger.keys.add(key)
        with pytest.raises(AlreadyExists):
            await ledger.keys.add(kept[1])
        assert list(await ledger.keys.list()) == kept
        await ledger.keys.remove(kept[2].id)
        assert list(await ledger.keys.list()) == [kept[0], kept[1], kept[3]]
        with pytest.raises(NotFound, match="winnow keys list"):
            await ledger.keys.remove("../x")
