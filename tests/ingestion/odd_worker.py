"""A worker that ingests slowly, or dies of a document.

``ODD_PAUSE_S`` is slept before each task; a task with the document ``ODD_POISON`` ends the
process as the kernel would.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cli.console import say
from indexer.performing import Performer, open_performer
from services.ports.ingestion import IngestResult, IngestTask
from services.settings import Settings, load_settings
from workers.app import run_worker


class OddPerformer:
    """Does what the shipped one does, sooner or later, or not at all."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._pause_s = float(os.environ.get("ODD_PAUSE_S", "0"))
        self._poison = os.environ.get("ODD_POISON")

    @property
    def described(self) -> str:
        return self._performer.described

    async def perform(self, task: IngestTask) -> IngestResult:
        await asyncio.sleep(self._pause_s)
        if self._poison in {identifier for identifier, _ in task.documents}:
            os.kill(os.getpid(), signal.SIGKILL)
        return await self._performer.perform(task)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[OddPerformer]:
    async with open_performer(settings) as performer:
        yield OddPerformer(performer)


if __name__ == "__main__":
    sys.exit(run_worker(load_settings(), ["ingest"], say, None, opened))
