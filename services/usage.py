"""Which generations the searches of this process run on, and when there are none."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.generations import Generation


@dataclass(slots=True)
class Usage:
    """Counts searches under way: a generation in use is not removed, and builds give way."""

    _running: Counter[str] = field(default_factory=Counter)
    _none: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _last_s: float = float("-inf")

    @contextmanager
    def on(self, generation: Generation) -> Iterator[None]:
        """Count a search for as long as the block runs."""
        self._running[generation.name] += 1
        self._none.clear()
        self._ended.clear()
        try:
            yield
        finally:
            self._running[generation.name] -= 1
            if not self._running[generation.name]:
                del self._running[generation.name]
            if not self._running:
                self._none.set()
                self._ended.set()
            self._last_s = time.monotonic()

    def of(self, generation: Generation) -> int:
        """How many searches run on a generation."""
        return self._running[generation.name]

    def within(self, seconds: float) -> bool:
        """Whether a search runs, or ran so many seconds ago."""
        return bool(self._running) or time.monotonic() - self._last_s < seconds

    async def gap(self, longest_s: float) -> None:
        """Return as soon as no search runs, or when the time is up."""
        if not self._running:
            return
        try:
            async with asyncio.timeout(longest_s):
                await self._none.wait()
        except TimeoutError:
            return

    def gap_in_thread(self, longest_s: float) -> None:
        """As :meth:`gap`, for a thread that may block."""
        if self._running:
            self._ended.wait(longest_s)
