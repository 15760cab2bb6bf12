"""Builds under way: their pace, what the ledger is told of them, and what follows their end.

A build is the draining of a generation in which every record was pending at first. Where it
stands is in the ledger, record by record; so it goes on after a crash where it was, and live
writes reach it as they reach every other generation.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from indexer.generations.pace import Pace
from indexer.pipeline import Written
from services.errors import NotFound, WinnowError
from services.generations import Build, Generation, GenerationState
from services.ports.ledger import Ledger

TELL_S = 1.0
"""The ledger is told of progress, and asked what the operator wants, so often."""

Complete = Callable[[Generation], Awaitable[None]]
"""What is done with a build that lacks nothing: its checks, and the switch."""

_log = logging.getLogger(__name__)


class Builds:
    """The builds of one process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._complete: Complete | None = None
        self._paces: dict[str, Pace] = {}
        self._held_up: dict[str, str] = {}
        self._stopping: set[str] = set()
        self._completing: dict[str, asyncio.Task[None]] = {}

    def complete_with(self, complete: Complete) -> None:
        """Say what is done with a build that lacks nothing; until then it stays one."""
        self._complete = complete

    def due(self, generation: Generation) -> bool:
        """Whether more of it may be built now."""
        name, build = generation.name, generation.build
        if build.paused or build.fault or name in self._completing:
            return False
        pace = self._paces.get(name)
        return pace is None or not pace.rest_s()

    def stopping(self, generation: Generation) -> bool:
        """Whether the round that runs shall begin nothing more of it."""
        return generation.name in self._stopping

    def stop(self, generation: Generation) -> None:
        """Begin nothing more of it in the round that runs; what is under way is finished.

        Whether there is another round, the ledger says.
        """
        self._stopping.add(generation.name)

    def hold_up(self, generation: Generation, reason: str) -> None:
        """Keep why it cannot go on for now."""
        self._held_up[generation.name] = reason

    def forget(self, generation: Generation) -> None:
        """Drop what is kept of a generation that is no longer built."""
        self._paces.pop(generation.name, None)
        self._held_up.pop(generation.name, None)
        self._stopping.discard(generation.name)

    async def followed(
        self,
        generation: Generation,
        batches: AsyncGenerator[Written, None],
        woken: asyncio.Event | None,
    ) -> AsyncGenerator[Written, None]:
        """The batches of a round, counted and paced; at the last one completion begins.

        Args:
            woken: ends a rest: other work waits.
        """
        self._stopping.discard(generation.name)
        pace = self._paces.setdefault(generation.name, Pace())
        told_at_s = time.monotonic()
        pace.begin()
        speed = generation.build.speed
        async with aclosing(batches):
            async for written in batches:
                self._held_up.pop(generation.name, None)
                pace.add(written, speed)
                if time.monotonic() - told_at_s >= TELL_S:
                    told_at_s = time.monotonic()
                    speed = (await self._tell(generation, pace)).speed
                yield written
                await _rest(pace, woken)
                pace.begin()
        await self._tell(generation, pace)
        if not self.stopping(generation):
            await self.complete_if_whole(generation)

    async def completed(self, collection: str) -> None:
        """Return once completions of the collection that have begun are through."""
        tasks = [
            task for name, task in self._completing.items() if name.startswith(f"{collection}--")
        ]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """End completions; the next start begins them anew."""
        tasks = list(self._completing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def waiting(self, generation: Generation) -> str:
        """Why it stands still here, "" where it does not."""
        if generation.name in self._completing:
            return "being checked"
        if generation.name in self._held_up:
            return self._held_up[generation.name]
        pace = self._paces.get(generation.name)
        return "resting, to keep its speed" if pace and pace.rest_s() else ""

    async def _tell(self, generation: Generation, pace: Pace) -> Build:
        """Add the progress to the ledger's; obey what the operator wants by now."""
        try:
            now = await self._ledger.collections.change_generation(generation, pace.take().added_to)
        except NotFound:
            self.stop(generation)
            return replace(generation.build, paused=True)
        if now.build.paused or now.state is not GenerationState.BUILDING:
            self.stop(generation)
        return now.build

    async def complete_if_whole(self, generation: Generation) -> None:
        """Begin to complete a build that lacks nothing, beside the rounds."""
        complete, name = self._complete, generation.name
        if complete is None or name in self._completing:
            return
        if await self._ledger.documents.backlog(generation):
            return
        task = asyncio.create_task(_completed(complete, generation), name=f"winnow-{name}")
        self._completing[name] = task
        task.add_done_callback(lambda _: self._completing.pop(name, None))


async def _completed(complete: Complete, generation: Generation) -> None:
    """Errors leave the build as it is: the next look finds it whole again."""
    try:
        await complete(generation)
    except WinnowError as error:
        _log.warning("%s is built and not ready: %s", generation.name, error.detail)
    except Exception:  # noqa: BLE001  # a task that nobody awaits
        _log.exception("Completing %s failed", generation.name)


async def _rest(pace: Pace, woken: asyncio.Event | None) -> None:
    """Rest as long as the speed asks for, or until other work waits."""
    rest_s = pace.rest_s()
    if not rest_s:
        return
    if woken is None:
        await asyncio.sleep(rest_s)
        return
    try:
        async with asyncio.timeout(rest_s):
            await woken.wait()
    except TimeoutError:
        return
