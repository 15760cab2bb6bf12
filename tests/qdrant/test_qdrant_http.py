"""The store over HTTP: every request and answer as JSON."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.documents import Value
from services.filters import Filter
from services.qdrant import QdrantConfiguration, QdrantStore, connect
from services.queries import Scope
from tests.qdrant.stores import LOCAL_MODE
from tests.servers.qdrant_http import qdrant_http
from tests.vectors.conformance import VectorStoreConformance
from tests.vectors.examples import direction, entry, generation, query
from tests.vectors.filtering import DOCUMENTS, FILTERS, METADATA, compare, write_documents
from tests.vectors.token_conformance import TokenVectorConformance

pytestmark = [*LOCAL_MODE]


@asynccontextmanager
async def http_store() -> AsyncIterator[QdrantStore]:
    """A store without collections, on a stand-in of its own."""
    async with qdrant_http() as port:
        client = connect(f"http://127.0.0.1:{port}", QdrantConfiguration(), grpc_port=0)
        store = QdrantStore(client)
        try:
            yield store
        finally:
            await store.close()


class TestQdrantStoreOverHttp(VectorStoreConformance, TokenVectorConformance):
    """The port's rules, as JSON."""

    # Hundreds of points take local mode seconds, and show nothing about the wire.
    test_many_ties_beyond_the_depth = None  # type: ignore[assignment]
    test_max_sim_of_a_wide_window = None  # type: ignore[assignment]

    @pytest.fixture
    async def store(self) -> AsyncIterator[QdrantStore]:
        """A store without collections."""
        async with http_store() as store:
            yield store


@examples(max_examples=8, deadline=None)
@given(
    held=st.lists(METADATA, min_size=1, max_size=DOCUMENTS),
    asked=st.lists(FILTERS, min_size=1, max_size=12),
)
async def test_filters_survive_json(held: list[Mapping[str, Value]], asked: list[Filter]) -> None:
    """Empty lists, dates of any century, large integers, keys of any characters."""
    async with http_store() as store:
        index = await store.open(generation())
        await write_documents(index, held, 1)
        await compare(index, held, asked)


async def test_a_document_with_much_metadata_is_written_in_parts() -> None:
    """Every chunk carries it, and a server takes no request over 32 MiB."""
    metadata = {"tags": tuple(f"{number:04}" * 1_500 for number in range(800))}
    async with http_store() as store:
        index = await store.open(generation())
        assert await index.write([entry("a", [direction(1.0)] * 9, metadata=metadata)], []) == {}
        assert len(await index.search(query(1.0), Scope(), 20)) == 9
