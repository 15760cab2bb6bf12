"""Services for measuring: nothing is remembered from one system's searches to the next's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from services.assembly import Services, open_services
from services.models.embedder import InProcessEmbedder
from services.models.shelf import EncoderShelf
from services.settings import Settings


@asynccontextmanager
async def open_forgetful(settings: Settings) -> AsyncIterator[Services]:
    """Services whose embedder forgets queries, so that each search pays for its own."""
    async with open_services(settings) as services:
        if services.embedder is None:
            yield services
            return
        embedder = InProcessEmbedder(services.embedder.encoder, cached_queries=0)
        shelf = EncoderShelf(settings, embedder)
        try:
            yield replace(services, embedder=embedder, shelf=shelf)
        finally:
            await shelf.close()
            await embedder.close()
