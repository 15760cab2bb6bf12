"""An ingestion that is killed: ``python -m tests.indexer.interrupted FOLDER STEP COUNT``."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from indexer.draft import Draft
from indexer.service import Indexer
from services.assembly import open_services
from tests.indexer.conftest import settings_in

SENTENCES = "Tea number {0} is steeped in hot water and served with milk or lemon. "


async def ingest(indexer: Indexer) -> None:
    """Some documents, then changes, deletions and more documents."""
    await indexer.ensure_collection("books")
    await indexer.put(
        "books",
        [
            Draft(f"{number:02}", SENTENCES.format(number) * (7 * number + 1), language="en")
            for number in range(40)
        ],
    )
    await indexer.index_pending("books")
    await indexer.put(
        "books",
        [
            Draft(f"{number:02}", SENTENCES.format(-number) * 20, "Changed", language="en")
            for number in range(30, 60)
        ],
    )
    await indexer.delete("books", [f"{number:02}" for number in range(0, 40, 4)])
    await indexer.index_pending("books")


async def run(folder: Path, step: str, count: int) -> None:
    """Ingest, and end the process when a step is done for the ``count``-th time."""
    left = count

    def checkpoint(done: str) -> None:
        nonlocal left
        left -= done == step
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_services(settings_in(folder)) as services:
        indexer = Indexer(services, checkpoint=checkpoint)
        await ingest(indexer)
        await indexer.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
