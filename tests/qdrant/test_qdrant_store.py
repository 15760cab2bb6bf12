"""The server's vector store: the port's rules, two writers, what a crash leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from services.documents import ChunkRef
from services.errors import BackendUnavailable, DataFormatUnsupported, InvalidInput
from services.ports.lexical import Tombstone
from services.qdrant import QdrantConfiguration, QdrantStore
from services.queries import Scope
from tests.qdrant.stores import LOCAL_MODE, collections, qdrant_store
from tests.vectors.conformance import VectorStoreConformance
from tests.vectors.examples import (
    TOKEN_DIMENSIONS,
    direction,
    entry,
    generation,
    query,
    refs,
)
from tests.vectors.token_conformance import TokenVectorConformance

pytestmark = [*LOCAL_MODE]


class TestQdrantStore(VectorStoreConformance, TokenVectorConformance):
    """Qdrant behind the port."""

    @pytest.fixture
    async def store(self) -> AsyncIterator[QdrantStore]:
        """A store without collections."""
        async with qdrant_store() as (store, _):
            yield store


@pytest.mark.parametrize("quantization", ["none", "scalar", "binary"])
@pytest.mark.parametrize("hnsw_m", [0, 16])
async def test_every_configuration_finds(quantization: str, hnsw_m: int) -> None:
    """Collections of each kind are made, filled and searched."""
    chosen = QdrantConfiguration(quantization=quantization, hnsw_m=hnsw_m, hnsw_ef=64)
    async with qdrant_store(chosen) as (store, _):
        index = await store.open(generation("g1", token_dimensions=TOKEN_DIMENSIONS))
        one = np.ones((2, TOKEN_DIMENSIONS), np.float16)
        await index.write([entry("a", [direction(1.0)], tokens=[one])], [])
        assert len(await index.search(query(1.0), Scope(), 5)) == 1
        assert await index.max_sim(one, [ChunkRef("a", 0)]) != {}


async def test_records_and_words_are_no_hits() -> None:
    """Only chunks are found, however deep the search goes."""
    async with qdrant_store() as (store, _):
        index = await store.open(generation())
        await index.write(
            [entry("a", [direction(1.0)], metadata={"colour": ("red", "blue"), "n": 2**60})],
            [Tombstone("gone", 4)],
        )
        assert refs(await index.search(query(1.0), Scope(), 100)) == [ChunkRef("a", 0)]
        assert refs(await index.search(query(-1.0), Scope(), 100)) == [ChunkRef("a", 0)]


async def test_a_second_process_sees_everything() -> None:
    """Another store on the same server: chunks, versions, tombstones, words."""
    async with qdrant_store() as (store, client):
        index = await store.open(generation())
        await index.write([entry("a", [direction(1.0)], version=2)], [Tombstone("b", 3)])
        second = await _another(store, client).open(generation())
        await second.write([entry("b", [direction(1.0)]), entry("a", [direction(-1.0)])], [])
        assert [found.document_id for found in await second.versions("", 10)] == ["a"]
        (hit,) = await second.search(query(1.0), Scope(), 10)
        assert hit.score == pytest.approx(1.0)


async def test_opening_at_once_makes_one_collection() -> None:
    """Two processes that open a new generation both succeed."""
    async with qdrant_store() as (store, client):
        stores = [store, _another(store, client), _another(store, client)]
        indexes = await asyncio.gather(*(each.open(generation()) for each in stores))
        await indexes[0].write([entry("a", [direction(1.0)])], [])
        assert all(await asyncio.gather(*(index.versions("", 9) for index in indexes)))


async def test_chunks_that_a_late_writer_left_go_with_the_next_write() -> None:
    """Older chunks beyond the newer version's, as a writer that died would leave them."""
    async with qdrant_store() as (store, client):
        index = await store.open(generation())
        await index.write([entry("a", [direction(1.0)], version=2)], [])
        stray = models.PointStruct(
            id=ChunkRef("a", 7).uuid,
            vector={"text": direction(1.0)},
            payload={"document": "a", "ordinal": 7, "version": 1},
        )
        (name,) = await collections(store, client)
        await client.upsert(name, [stray], wait=True)
        assert len(await index.search(query(1.0), Scope(), 9)) == 2
        await index.write([], [Tombstone("a", 3)])
        assert list(await index.search(query(1.0), Scope(), 9)) == []


async def test_large_documents_are_written_in_parts() -> None:
    """More chunks and numbers than one request carries."""
    async with qdrant_store() as (store, _):
        index = await store.open(generation("g1", token_dimensions=TOKEN_DIMENSIONS))
        tokens = [np.ones((1_000, TOKEN_DIMENSIONS), np.float16)] * 140
        await index.write([entry("a", [direction(1.0)] * 140, tokens=tokens)], [])
        assert len(await index.search(query(1.0), Scope(), 200)) == 140


async def test_a_collection_that_is_gone_is_unavailable() -> None:
    """Dropped by another process: an error of ours, and opening it again makes it anew."""
    async with qdrant_store() as (store, client):
        index = await store.open(generation())
        await index.write([entry("a", [direction(1.0)])], [])
        await _another(store, client).drop(generation())
        with pytest.raises(BackendUnavailable):
            await index.search(query(1.0), Scope(), 5)
        with pytest.raises(BackendUnavailable):
            await index.write([entry("a", [direction(1.0)])], [])
        again = await _another(store, client).open(generation())
        assert list(await again.versions("", 5)) == []


async def test_a_collection_of_other_vectors_is_told() -> None:
    """Two installations that share a prefix do not mix their vectors."""
    async with qdrant_store() as (store, client):
        await (await store.open(generation())).versions("", 1)
        other = await _another(store, client).open(generation(dimensions=16))
        with pytest.raises(BackendUnavailable, match="WINNOW_QDRANT_PREFIX"):
            await other.versions("", 1)


async def test_a_newer_format_is_refused() -> None:
    """Written down with the collection."""
    async with qdrant_store() as (store, client):
        await (await store.open(generation())).versions("", 1)
        (name,) = await collections(store, client)
        await client.update_collection(name, metadata={"winnow_format": 99})
        other = await _another(store, client).open(generation())
        with pytest.raises(DataFormatUnsupported, match="format 99"):
            await other.versions("", 1)


async def test_a_generation_of_words_only_has_no_vectors() -> None:
    """Opening one says so."""
    words_only = replace(generation(), fingerprint=replace(generation().fingerprint, encoder=None))
    async with qdrant_store() as (store, _):
        with pytest.raises(InvalidInput):
            await store.open(words_only)


def _another(store: QdrantStore, client: AsyncQdrantClient) -> QdrantStore:
    """A store of another process, as far as a connection can be shared."""
    return QdrantStore(client, store._configuration)
