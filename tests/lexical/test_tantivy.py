"""Tantivy in the data directory, behind the lexical port."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.embedded.lexical import TantivyStore
from tests.lexical.conformance import LexicalStoreConformance
from tests.lexical.narrowing_conformance import LexicalNarrowingConformance
from tests.lexical.write_conformance import LexicalWriteConformance


class TestTantivyStore(
    LexicalStoreConformance, LexicalWriteConformance, LexicalNarrowingConformance
):
    """Every sentence of the port."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[TantivyStore]:
        """A store in an empty folder."""
        store = TantivyStore(tmp_path / "lexical")
        yield store
        await store.close()
