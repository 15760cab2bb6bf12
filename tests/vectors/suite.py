"""What every conformance suite of the vector port begins with."""

import pytest

from services.ports.vectors import VectorIndex, VectorStore
from tests.vectors.examples import generation


class VectorSuite:
    """An adapter's test class overrides the fixture ``store``."""

    @pytest.fixture
    async def store(self) -> VectorStore:
        """The adapter under test, empty."""
        raise NotImplementedError

    @pytest.fixture
    async def index(self, store: VectorStore) -> VectorIndex:
        """An empty index without token vectors."""
        return await store.open(generation())
