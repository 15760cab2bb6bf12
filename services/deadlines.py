"""Points in time after which nobody waits for an answer any more."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from services.errors import DeadlineExceeded

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of ``time.monotonic()``, in seconds."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at_s - time.monotonic())

    def earlier(self, seconds: float) -> "Deadline":
        """The sooner of this deadline and so many seconds from now."""
        return Deadline(min(self.at_s, time.monotonic() + seconds))

    async def bound(self, work: Awaitable[Answer], what: str) -> Answer:
        """Await work until the deadline; then stop waiting and raise DeadlineExceeded.

        Only the waiting ends: work that runs in a thread finishes on its own, so a write is
        never left half done.
        """
        try:
            async with asyncio.timeout(self.remaining_s()):
                return await work
        except TimeoutError:
            raise DeadlineExceeded(f"{what} did not answer in time.") from None
