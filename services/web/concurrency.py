"""A bound on requests that compute at once: beyond it a short line, then a quick no."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import Overloaded
from services.metrics import SEARCHES_REFUSED, SEARCHES_RUNNING, SEARCHES_WAITING

# The weight of the newest request in the mean duration, which a wait is expected by.
_WEIGHT_OF_THE_NEWEST = 0.1


class ConcurrencyLimit:
    """Raises Overloaded where a request of the kind would have to wait too long for its turn.

    At most ``limit`` are answered at once. Others wait in line as long as their turn can be
    expected within ``max_wait_s``; a longer line would only make every answer late, and the
    caller, or its balancer, knows better whether to try again.

    Args:
        counts: whether a request is of the kind that is bounded.
    """

    def __init__(
        self, app: ASGIApp, limit: int, max_wait_s: float, counts: Callable[[Scope], bool]
    ) -> None:
        self._app = app
        self._limit = limit
        self._max_wait_s = max_wait_s
        self._counts = counts
        self._running = 0
        self._mean_s = 0.0
        self._line: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not self._counts(scope):
            await self._app(scope, receive, send)
            return
        await self._enter()
        started_s = time.monotonic()
        try:
            await self._app(scope, receive, send)
        finally:
            took_s = time.monotonic() - started_s
            self._mean_s += _WEIGHT_OF_THE_NEWEST * (took_s - self._mean_s)
            self._leave()

    async def _enter(self) -> None:
        """Take a place among those that run, at once or after a turn in line."""
        if self._running < self._limit:
            self._running += 1
            SEARCHES_RUNNING.set(self._running)
            return
        expected_s = (len(self._line) + 1) * self._mean_s / self._limit
        if expected_s > self._max_wait_s:
            raise self._refusal(expected_s)
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        SEARCHES_WAITING.set(len(self._line))
        try:
            async with asyncio.timeout(self._max_wait_s):
                await turn
        except TimeoutError:
            self._give_up(turn)
            raise self._refusal(expected_s) from None
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _leave(self) -> None:
        """Give the place to the first in line who still waits, or free it."""
        while self._line:
            turn = self._line.popleft()
            SEARCHES_WAITING.set(len(self._line))
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1
        SEARCHES_RUNNING.set(self._running)

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        """Step out of the line; whoever was called in the same moment passes the place on."""
        if turn.done() and not turn.cancelled():
            self._leave()
        elif turn in self._line:
            self._line.remove(turn)
            SEARCHES_WAITING.set(len(self._line))

    def _refusal(self, expected_s: float) -> Overloaded:
        SEARCHES_REFUSED.inc()
        return Overloaded(
            f"{self._running} searches are running and {len(self._line)} wait: ask again in a "
            "moment (WINNOW_MAX_CONCURRENT_SEARCHES, WINNOW_MAX_WAIT_MS).",
            retry_after_s=max(1, math.ceil(expected_s)),
        )
