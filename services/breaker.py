"""Keeps queries from waiting, one after another, for a backend that has fallen silent.

A circuit breaker (Nygard, *Release It!*, 2007) that judges silence, not slowness: it opens
when a call was lost or given up while nothing at all came from the backend, and any answer
closes it, be it an error. While it is open callers are told at once, and have their deadline
left for what still works; the breaker itself finds out when the backend is back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.errors import BackendUnavailable, DeadlineExceeded

T = TypeVar("T")

PAUSE_S = 0.25
"""Between two looks whether the backend is back."""

LOOK_S = 1.0
"""What a look may take."""

PATIENCE_S = 0.15
"""A caller that leaves sooner says nothing about the backend."""


class Unreachable(BackendUnavailable):
    """No connection, or one that broke: nothing answered."""


class Breaker:
    """One backend's state, for calls on one event loop."""

    def __init__(self, backend: str, look: Callable[[], Awaitable[object]]) -> None:
        """``backend`` is its name in messages; ``look`` asks it something cheap."""
        self._backend = backend
        self._look = look
        self._answered_s = float("-inf")
        self._open = False
        self._watch: asyncio.Task[None] | None = None

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the backend answers.

        Raises:
            BackendUnavailable: at once where it is silent; else what ``ask`` raises.
        """
        if self._open:
            raise BackendUnavailable(
                f"{self._backend} does not answer; it is used again as soon as it does.",
                retry_after_s=1,
            )
        began_s = time.monotonic()
        try:
            answer = await ask()
        except (Unreachable, DeadlineExceeded):
            self._silent(began_s)
            raise
        except asyncio.CancelledError:
            if time.monotonic() - began_s >= PATIENCE_S:
                self._silent(began_s)
            raise
        except BackendUnavailable:
            self._heard()
            raise
        self._heard()
        return answer

    async def close(self) -> None:
        """Stop looking."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def _heard(self) -> None:
        self._answered_s = time.monotonic()
        self._open = False

    def _silent(self, since_s: float) -> None:
        if self._answered_s >= since_s or self._open:
            return
        self._open = True
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._until_back())

    async def _until_back(self) -> None:
        while self._open:
            await asyncio.sleep(PAUSE_S)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._look()
            except (Unreachable, DeadlineExceeded, TimeoutError):
                continue
            except BackendUnavailable:
                pass  # an error is an answer
            self._heard()
