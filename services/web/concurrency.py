"""A bound on requests that compute at once: beyond it a short line, then a quick no."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import Overloaded
from services.metrics import SEARCHES_REFUSED, SEARCHES_RUNNING, SEARCHES_WAITING

# The weight of the newest request in the mean duration and in the mean turn of the event loop.
_WEIGHT_OF_THE_NEWEST = 0.1

# A process that takes longer for a turn of its event loop has more to do than it can: even a
# refusal takes some turns.
_LONGEST_TURN_S = 0.015
# One long turn is a hiccup; it takes a few to be believed.
_BELIEVED_TURN_S = 0.05

# Fewer are let in by this factor, then it is seen for so long what that brings.
_DECREASE = 0.8
_PAUSE_S = 0.2
_FEWEST = 4


class ConcurrencyLimit:
    """Raises Overloaded where a request of the kind would have to wait too long for its turn.

    At most ``limit`` are answered at once, and fewer while there is more to do than can be
    done, which shows in long answers and long turns of the event loop: fewer by a factor then,
    one more where neither is (AIMD; Chiu and Jain 1989). So a process that waits for others is
    used in full, and a machine that computes itself is not drowned. Others wait in line as
    long as their turn can be expected within ``max_wait_s``; a longer line would only make
    every answer late, and the caller, or its balancer, knows better whether to try again.

    Args:
        slow_s: answers that take longer, on average, are taken for a sign of overload.
        counts: whether a request is of the kind that is bounded.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        max_wait_s: float,
        slow_s: float,
        counts: Callable[[Scope], bool],
    ) -> None:
        self._app = app
        self._limit = limit
        self._room = float(limit)
        self._turn_s = 0.0
        self._changed_s = 0.0
        self._max_wait_s = max_wait_s
        self._slow_s = slow_s
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
        await self._watch()
        if self._running < self._room:
            self._running += 1
            SEARCHES_RUNNING.set(self._running)
            return
        expected_s = (len(self._line) + 1) * self._mean_s / self._room
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

    async def _watch(self) -> None:
        """See how long a turn of the event loop takes; let in fewer or more by what is seen."""
        began_s = time.monotonic()
        await asyncio.sleep(0)
        now_s = time.monotonic()
        turn_s = min(now_s - began_s, _BELIEVED_TURN_S)
        self._turn_s += _WEIGHT_OF_THE_NEWEST * (turn_s - self._turn_s)
        if now_s - self._changed_s < _PAUSE_S:
            return
        if self._turn_s > _LONGEST_TURN_S or self._mean_s > self._slow_s:
            self._room = max(min(_FEWEST, self._limit), _DECREASE * self._room)
            self._changed_s = now_s
        elif self._running + 1 >= self._room < self._limit:
            self._room = min(float(self._limit), self._room + 1)
            self._changed_s = now_s

    def _leave(self) -> None:
        """Give the place to the first in line who still waits, or free it."""
        while self._line and self._running <= self._room:
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
