"""The broker's clock: the one clock that API and workers can both read.

A deadline of 300 ms does not survive two machines whose clocks differ by a second. So
each side reads Redis' TIME about once a second and notes how far it stands from its own
monotonic clock (Cristian, "Probabilistic clock synchronization", 1989: the reading is off
by at most half its round trip). Points in time that travel are in the broker's time.
"""

import time
from collections.abc import Sequence

# Quartz drifts less than this; a busy machine's readings are worse than an old good one.
_DRIFT_PER_S = 1e-4


class BrokerClock:
    """Seconds since the epoch on the broker's clock. Thread-safe: one assignment."""

    def __init__(self) -> None:
        self._best: tuple[float, float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether it was ever read."""
        return self._best is not None

    def read(self, reply: Sequence[int], asked_s: float, answered_s: float) -> None:
        """Take in an answer to TIME.

        Args:
            reply: seconds and microseconds, as Redis gives them.
            asked_s: when TIME was sent, by ``time.monotonic()``; likewise ``answered_s``.
        """
        seconds, microseconds = reply
        offset_s = int(seconds) + int(microseconds) / 1e6 - (asked_s + answered_s) / 2
        error_s = (answered_s - asked_s) / 2
        if self._best is not None:
            held_offset_s, held_error_s, read_s = self._best
            grown_s = held_error_s + _DRIFT_PER_S * (answered_s - read_s)
            # A clock that was set, or a broker that moved to another machine.
            agrees = abs(held_offset_s - offset_s) <= grown_s + error_s
            if agrees and grown_s <= error_s:
                return
        self._best = (offset_s, error_s, answered_s)

    def now_s(self) -> float:
        """The broker's time now; 0.0 where it was never read."""
        return 0.0 if self._best is None else time.monotonic() + self._best[0]
