"""Keeps queries from waiting, one after another, for a backend that has fallen silent.

A circuit breaker (Nygard, *Release It!*, 2007) that judges silence, not slowness: it opens
when a call was lost or given up while nothing at all came from the backend, and any answer
closes it, be it an error. While it is open one call at a time tries the backend; the others
are told at once, and have their deadline left for what still works.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.errors import BackendUnavailable, DeadlineExceeded

T = TypeVar("T")

PAUSE_S = 0.25
"""How long nothing is tried after a try that failed."""

PATIENCE_S = 0.15
"""A caller that leaves sooner says nothing about the backend."""


class Unreachable(BackendUnavailable):
    """No connection, or one that broke: nothing answered."""


class Breaker:
    """One backend's state, for calls on one event loop."""

    def __init__(self, backend: str) -> None:
        """``backend`` is its name in messages."""
        self._backend = backend
        self._answered_s = float("-inf")
        self._open = False
        self._trying = False
        self._next_try_s = 0.0

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the backend answers.

        Raises:
            BackendUnavailable: at once where it was silent a moment ago; else what ``ask``
                raises.
        """
        tries = self._open
        if tries and (self._trying or time.monotonic() < self._next_try_s):
            raise BackendUnavailable(
                f"{self._backend} did not answer a moment ago; it is tried again by itself.",
                retry_after_s=1,
            )
        self._trying = self._trying or tries
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
        else:
            self._heard()
            return answer
        finally:
            if tries:
                self._trying = False

    def _heard(self) -> None:
        self._answered_s = time.monotonic()
        self._open = False

    def _silent(self, since_s: float) -> None:
        if self._answered_s < since_s:
            self._open = True
            self._next_try_s = time.monotonic() + PAUSE_S
