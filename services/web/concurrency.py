"""A bound on requests that compute at once: beyond it the answer is a quick no."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import Overloaded

RETRY_AFTER_S = 1


class ConcurrencyLimit:
    """Raises Overloaded where ``limit`` requests of the kind are being answered already.

    Waiting in line would only make every answer late: the caller, or its balancer, knows
    better whether to try again.

    Args:
        counts: whether a request is of the kind that is bounded.
    """

    def __init__(self, app: ASGIApp, limit: int, counts: Callable[[Scope], bool]) -> None:
        self._app = app
        self._limit = limit
        self._counts = counts
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not self._counts(scope):
            await self._app(scope, receive, send)
            return
        if self._running >= self._limit:
            raise Overloaded(
                f"{self._limit} searches are running already (WINNOW_MAX_CONCURRENT_SEARCHES).",
                retry_after_s=RETRY_AFTER_S,
            )
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
