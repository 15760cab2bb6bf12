"""A small library over the real embedded stack, with models that need no weights."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.draft import Draft
from indexer.service import Indexer
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services, open_services
from services.settings import Settings

LIBRARY = [
    Draft("tea", "Green tea is steeped in hot water for two minutes.", "Brewing tea",
          metadata={"kind": "drink", "year": 2019, "tags": ["hot", "leaf"]}),
    Draft("coffee", "Coffee is brewed with hot water under pressure.", "Brewing coffee",
          metadata={"kind": "drink", "year": 2021, "tags": ["hot", "bean"]}),
    Draft("iced", "Iced coffee is cold coffee with ice cubes.", "Iced coffee",
          metadata={"kind": "drink", "year": 2023, "tags": ["cold", "bean"]}),
    Draft("bread", "Bread dough rises before it is baked in a hot oven.", "Baking bread",
          metadata={"kind": "food", "year": 2020}),
    Draft("a/b c?é", "Porridge oats are cooked with milk or hot water.", "Porridge",
          metadata={"kind": "food", "year": 2018, "tags": ["hot"]}),
    Draft("secret", "The secret recipe for hot sauce.", "Hot sauce",
          metadata={"kind": "food"}, principals=("cooks",)),
]  # fmt: skip


@dataclass
class Library:
    """A collection and the ways to fill and ask it."""

    services: Services
    indexer: Indexer
    search_service: SearchService
    name: str = "default"

    async def add(self, *drafts: Draft) -> None:
        await self.indexer.put(self.name, drafts)
        await self.indexer.index_pending(self.name)

    async def search(self, query: str = "", **fields: object) -> SearchAnswer:
        request = SearchRequest.model_validate({"query": query} | fields)
        return await self.search_service.search(self.name, request)


async def stocked(services: Services, *drafts: Draft, language: str = "en") -> Library:
    """A library of these documents, indexed."""
    library = Library(services, Indexer(services), SearchService(services))
    await library.indexer.create_collection(library.name, language=language)
    await library.add(*drafts)
    return library


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(
        data_dir=tmp_path, bi_encoder="hashing", cross_encoder="overlap", budget_ms=5_000,
        deadline_ms=20_000, _env_file=None,
    )  # fmt: skip
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
async def library(services: Services) -> Library:
    return await stocked(services, *LIBRARY)
