"""Questions to one server, which change nothing and may be asked again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from qdrant_client import AsyncQdrantClient

from services.breaker import Breaker, Unreachable
from services.qdrant.errors import PutOff, translated

T = TypeVar("T")

_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.2


class Reads:
    """What all indexes of a server share: a silent server is found out once."""

    def __init__(self, client: AsyncQdrantClient, timeout_s: float) -> None:
        """``timeout_s`` bounds each attempt; a caller's own deadline is mostly shorter."""
        self._timeout_s = timeout_s
        self._breaker = Breaker("Qdrant", lambda: self._once(client.info))

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The server's answer; asked again where the connection broke or it was put off.

        Raises:
            DeadlineExceeded: no answer in time.
            BackendUnavailable: at once while the server is silent; else what went wrong.
        """
        return await self._breaker.call(lambda: self._ask(question))

    async def close(self) -> None:
        """Stop looking for a server that is silent."""
        await self._breaker.close()

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._once(question)
            except (Unreachable, PutOff):
                longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)
                await asyncio.sleep(random.uniform(longest_s / 2, longest_s))  # noqa: S311  # no secret
        return await self._once(question)

    async def _once(self, question: Callable[[], Awaitable[T]]) -> T:
        with translated():
            async with asyncio.timeout(self._timeout_s):
                return await question()
