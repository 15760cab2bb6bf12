"""Generations on the embedded stack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.assembly import Services, open_services
from tests.generations.conformance import GenerationConformance
from tests.indexer.conftest import settings_in


class TestEmbedded(GenerationConformance):
    """Tantivy, Qdrant Edge and SQLite."""

    @pytest.fixture
    async def services(self, tmp_path: Path) -> AsyncIterator[Services]:
        """The stores of one data directory."""
        settings = settings_in(tmp_path, deadline_ms=60_000)
        async with open_services(settings) as opened:
            yield opened
