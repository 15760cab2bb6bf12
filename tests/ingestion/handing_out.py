"""A process that stores documents and hands them out: ``... tests.ingestion.handing_out COUNT``."""

import asyncio
import sys

from indexer.service import Indexer
from services.assembly import open_services
from services.settings import load_settings
from tests.ingestion.stack import COLLECTION, drafts


async def main(count: int) -> None:
    async with open_services(load_settings()) as services, Indexer(services) as indexer:
        await indexer.create_collection(COLLECTION, language="en")
        await indexer.put(COLLECTION, drafts(count))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
