"""An indexer over the real embedded stack, with a bi-encoder that needs no weights."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexer.service import Indexer
from services.assembly import Services, open_services
from services.settings import Settings


def settings_in(path: Path, **changes: object) -> Settings:
    """Settings of a small stack below a folder, whatever the environment says."""
    given: dict[str, object] = {
        "data_dir": path, "bi_encoder": "hashing", "cross_encoder": "",
    }  # fmt: skip
    return Settings(_env_file=None, **(given | changes))  # type: ignore[arg-type,call-arg]


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_services(settings_in(tmp_path)) as opened:
        yield opened


@pytest.fixture
async def indexer(services: Services) -> AsyncIterator[Indexer]:
    """An indexer with an empty collection ``books``; it indexes on demand."""
    indexer = Indexer(services)
    await indexer.create_collection("books", language="en")
    yield indexer
    await indexer.close()
