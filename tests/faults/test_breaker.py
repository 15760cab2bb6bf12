"""When a silent backend is left alone, and how it is found again."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from services import breaker
from services.breaker import Breaker, Unreachable
from services.errors import BackendUnavailable, DeadlineExceeded


class Backend:
    """Answers as it is told to, and counts who asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Callable[[], Awaitable[str]] = self.well

    async def __call__(self) -> str:
        self.asked += 1
        return await self.answer()

    async def well(self) -> str:
        return "well"

    async def lost(self) -> str:
        raise Unreachable("connection refused")

    async def refused(self) -> str:
        raise BackendUnavailable("HTTP 500")

    async def silent(self) -> str:
        await asyncio.sleep(3_600)
        return "never"


async def abandoned(guard: Breaker, backend: Backend, after_s: float) -> None:
    """A caller that leaves."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(guard.call(backend), after_s)


async def test_what_is_lost_is_not_asked_again_at_once() -> None:
    """The next caller is told without asking; after a pause one asks, and all is as before."""
    guard, backend = Breaker("Backend"), Backend()
    backend.answer = backend.lost
    with pytest.raises(Unreachable):
        await guard.call(backend)
    with pytest.raises(BackendUnavailable, match="a moment ago"):
        await guard.call(backend)
    assert backend.asked == 1
    backend.answer = backend.well
    await asyncio.sleep(breaker.PAUSE_S)
    assert await guard.call(backend) == "well"
    assert await guard.call(backend) == "well"


async def test_errors_are_answers() -> None:
    """A backend that refuses is there: everybody may ask it."""
    guard, backend = Breaker("Backend"), Backend()
    backend.answer = backend.refused
    for _ in range(3):
        with pytest.raises(BackendUnavailable, match="500"):
            await guard.call(backend)
    assert backend.asked == 3


async def test_a_caller_that_leaves_a_silent_backend_tells_the_others() -> None:
    """Who comes next loses no time; one that leaves at once says nothing."""
    guard, backend = Breaker("Backend"), Backend()
    backend.answer = backend.silent
    await abandoned(guard, backend, breaker.PATIENCE_S / 10)
    await abandoned(guard, backend, breaker.PATIENCE_S * 2)
    began_s = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await guard.call(backend)
    assert time.monotonic() - began_s < breaker.PAUSE_S
    assert backend.asked == 2


async def test_slow_is_not_silent() -> None:
    """Where others were answered meanwhile, one slow question stops nobody."""
    guard, backend, slow = Breaker("Backend"), Backend(), Backend()
    slow.answer = slow.silent
    leaving = asyncio.create_task(abandoned(guard, slow, breaker.PATIENCE_S * 2))
    await asyncio.sleep(breaker.PATIENCE_S)
    assert await guard.call(backend) == "well"
    await leaving
    assert await guard.call(backend) == "well"


async def test_one_tries_while_the_others_are_told() -> None:
    """A try that is lost begins the pause anew."""
    guard, backend = Breaker("Backend"), Backend()
    backend.answer = backend.lost
    with pytest.raises(Unreachable):
        await guard.call(backend)
    await asyncio.sleep(breaker.PAUSE_S)
    backend.answer = backend.silent
    trying = asyncio.create_task(guard.call(backend))
    await asyncio.sleep(breaker.PATIENCE_S * 2)
    with pytest.raises(BackendUnavailable, match="a moment ago"):
        await guard.call(backend)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    with pytest.raises(BackendUnavailable, match="a moment ago"):
        await guard.call(backend)
    assert backend.asked == 2


async def test_a_deadline_of_its_own_is_silence_too() -> None:
    """The adapter's timeout says the same as a caller that leaves."""
    guard, backend = Breaker("Backend"), Backend()

    async def late() -> str:
        raise DeadlineExceeded("no answer in time")

    backend.answer = late
    with pytest.raises(DeadlineExceeded):
        await guard.call(backend)
    with pytest.raises(BackendUnavailable, match="a moment ago"):
        await guard.call(backend)
