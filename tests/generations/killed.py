"""A build that is killed: ``python -m tests.generations.killed FOLDER STEP COUNT``."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from indexer.service import Indexer
from services.assembly import open_services
from tests.generations.examples import ME, OTHER, books
from tests.indexer.conftest import settings_in


async def run(folder: Path, step: str, count: int) -> None:
    """Fill a collection, begin a build, and end the process in the middle of it."""
    left = 0

    def checkpoint(done: str) -> None:
        nonlocal left
        left -= done == step
        if left == 0 and done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_services(settings_in(folder)) as services:
        indexer = Indexer(services, checkpoint=checkpoint)
        await indexer.create_collection("books", language="en")
        await indexer.put("books", books(range(90)))
        await indexer.index_pending("books")
        await indexer.put("books", books(range(5), "coffee"))
        await indexer.delete("books", ["089"])
        await indexer.index_pending("books")
        await indexer.generations.start("books", OTHER, ME)
        left = count
        await indexer.index_pending("books")


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
