"""When a silent backend is left alone, and how it is found again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services import breaker
from services.breaker import Breaker, Unreachable
from services.errors import BackendUnavailable, DeadlineExceeded

SOON_S = 30.0


class Backend:
    """Answers as it is told to, and counts who asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Callable[[], Awaitable[str]] = self.well

    async def __call__(self) -> str:
        self.asked += 1
        return await self.answer()

    async def look(self) -> str:
        return await self.answer()

    async def well(self) -> str:
        return "well"

    async def lost(self) -> str:
        raise Unreachable("connection refused")

    async def late(self) -> str:
        raise DeadlineExceeded("no answer in time")

    async def refused(self) -> str:
        raise BackendUnavailable("HTTP 500")

    async def silent(self) -> str:
        await asyncio.sleep(3_600)
        return "never"


@asynccontextmanager
async def guarded() -> AsyncIterator[tuple[Breaker, Backend]]:
    """A backend that is well, and its breaker."""
    backend = Backend()
    guard = Breaker("Backend", backend.look)
    yield guard, backend
    await guard.close()


async def is_told_at_once(guard: Breaker, backend: Backend) -> None:
    """The backend is not asked."""
    before = backend.asked
    with pytest.raises(BackendUnavailable, match="as soon as"):
        await guard.call(backend)
    assert backend.asked == before


async def is_back(guard: Breaker, backend: Backend) -> None:
    """Without anybody's doing."""
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                assert await guard.call(backend) == "well"
                return
            except BackendUnavailable:
                await asyncio.sleep(0.01)


async def abandoned(guard: Breaker, backend: Backend, after_s: float) -> None:
    """A caller that leaves."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(guard.call(backend), after_s)


@pytest.mark.parametrize("way", ["lost", "late"])
async def test_what_is_lost_is_not_asked_again_until_it_is_back(way: str) -> None:
    """The next callers are told at once; a connection that broke and a timeout say the same."""
    async with guarded() as (guard, backend):
        backend.answer = getattr(backend, way)
        with pytest.raises(BackendUnavailable):
            await guard.call(backend)
        await is_told_at_once(guard, backend)
        await asyncio.sleep(breaker.PAUSE_S * 2)
        await is_told_at_once(guard, backend)
        backend.answer = backend.well
        await is_back(guard, backend)


async def test_errors_are_answers() -> None:
    """A backend that refuses is there: everybody may ask it."""
    async with guarded() as (guard, backend):
        backend.answer = backend.refused
        for _ in range(3):
            with pytest.raises(BackendUnavailable, match="500"):
                await guard.call(backend)
        assert backend.asked == 3


async def test_an_error_ends_a_silence() -> None:
    """What refuses now is there again."""
    async with guarded() as (guard, backend):
        backend.answer = backend.lost
        with pytest.raises(Unreachable):
            await guard.call(backend)
        backend.answer = backend.refused
        async with asyncio.timeout(SOON_S):
            while backend.asked == 1:
                with pytest.raises(BackendUnavailable):
                    await guard.call(backend)
                await asyncio.sleep(0.01)


async def test_a_caller_that_leaves_a_silent_backend_tells_the_others() -> None:
    """Who comes next loses no time; one that leaves at once says nothing."""
    async with guarded() as (guard, backend):
        backend.answer = backend.silent
        await abandoned(guard, backend, breaker.PATIENCE_S / 10)
        await abandoned(guard, backend, breaker.PATIENCE_S * 2)
        assert backend.asked == 2
        await is_told_at_once(guard, backend)
        backend.answer = backend.well
        await is_back(guard, backend)


async def test_slow_is_not_silent() -> None:
    """Where others were answered meanwhile, one slow question stops nobody."""
    async with guarded() as (guard, backend):
        slow = Backend()
        slow.answer = slow.silent
        leaving = asyncio.create_task(abandoned(guard, slow, breaker.PATIENCE_S * 2))
        await asyncio.sleep(breaker.PATIENCE_S)
        assert await guard.call(backend) == "well"
        await leaving
        assert await guard.call(backend) == "well"
