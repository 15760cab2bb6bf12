"""Telling that a record is no longer renewed, without trusting another machine's clock."""

import time
from collections.abc import Hashable


class Expiry:
    """Watches records of leases on this process's monotonic clock.

    A record is expired once it was seen in one and the same state for its time to live: a
    holder that lives would have renewed it meanwhile. The first sight only starts the watch.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def expired(self, name: str, state: Hashable, ttl_s: float) -> bool:
        """Whether the record of this name has stood in this state for ``ttl_s``."""
        now_s = time.monotonic()
        seen, since_s = self._seen.get(name, (None, now_s))
        if seen != state:
            self._seen[name] = (state, now_s)
            return False
        return now_s - since_s >= ttl_s
