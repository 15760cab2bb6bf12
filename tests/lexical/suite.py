"""What every conformance suite of the lexical port begins with."""

import pytest

from services.ports.lexical import LexicalIndex, LexicalStore
from tests.lexical.examples import generation


class LexicalSuite:
    """An adapter's test class overrides the fixture ``store``."""

    @pytest.fixture
    async def store(self) -> LexicalStore:
        """The adapter under test, empty."""
        raise NotImplementedError

    @pytest.fixture
    async def index(self, store: LexicalStore) -> LexicalIndex:
        """An empty index."""
        return await store.open(generation())
