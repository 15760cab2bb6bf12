"""The embedded vector store: the port's rules, and what a crash leaves."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.embedded.vectors import EdgeStore
from services.errors import BackendUnavailable, DataFormatUnsupported, InvalidInput
from services.queries import Scope
from tests.vectors.conformance import VectorStoreConformance
from tests.vectors.examples import direction, entry, generation, query
from tests.vectors.token_conformance import TokenVectorConformance


class TestEdgeStore(VectorStoreConformance, TokenVectorConformance):
    """Qdrant Edge behind the port."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[EdgeStore]:
        """A store in an empty folder."""
        store = EdgeStore(tmp_path / "vectors")
        yield store
        await store.close()


async def test_a_closed_store_opens_again_with_everything(tmp_path: Path) -> None:
    """Points, versions, tombstones and numeric columns outlive the process."""
    store = EdgeStore(tmp_path)
    index = await store.open(generation())
    await index.write([entry("a", [direction(1.0)], metadata={"year": 2020})], [])
    await store.close()
    with pytest.raises(BackendUnavailable):
        await index.versions("", 1)
    again = EdgeStore(tmp_path)
    index = await again.open(generation())
    await index.write([entry("b", [direction(1.0)], metadata={"year": 1999, "rank": 2})], [])
    assert len(await index.search(query(1.0), Scope(), 5)) == 2
    await again.close()


async def test_points_are_spread_over_segments(tmp_path: Path) -> None:
    """Edge compares segments side by side: each of the two holds its share of what is written."""
    store = EdgeStore(tmp_path)
    index = await store.open(generation())
    for number in range(8):
        assert await index.write([entry(f"{number}", [direction(1.0)])], []) == {}
    assert len(await index.search(query(1.0), Scope(), 20)) == 8
    await store.close()
    named = _sizes_of_id_mappings(tmp_path)
    assert len(named) == 2
    assert named[0] == named[1] > 0


def _sizes_of_id_mappings(path: Path) -> list[int]:
    return [file.stat().st_size for file in path.glob("*/shard/segments/*/*.mappings")]


def test_leftovers_of_a_crash_are_swept(tmp_path: Path) -> None:
    """Folders half made or half removed go when the store opens."""
    (tmp_path / ".new-default--g1" / "shard").mkdir(parents=True)
    (tmp_path / ".gone-default--g0").mkdir()

    async def open_and_close() -> None:
        store = EdgeStore(tmp_path)
        await store.open(generation())
        await store.close()

    asyncio.run(open_and_close())
    assert [path.name for path in tmp_path.iterdir()] == ["default--g1"]


async def test_a_generation_of_words_only_has_no_vectors(tmp_path: Path) -> None:
    """Opening one says so."""
    words_only = replace(generation(), fingerprint=replace(generation().fingerprint, encoder=None))
    with pytest.raises(InvalidInput):
        await EdgeStore(tmp_path).open(words_only)


async def test_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    """A lone surrogate is a reason, not a crash."""
    store = EdgeStore(tmp_path)
    index = await store.open(generation())
    faulty = entry("a", [direction(1.0)], principals=("\ud800",))
    assert "Unicode" in (await index.write([faulty], []))["a"]
    await store.close()


async def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """Before Edge touches anything."""
    store = EdgeStore(tmp_path)
    await store.open(generation())
    await store.close()
    connection = sqlite3.connect(tmp_path / "default--g1" / "catalog.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DataFormatUnsupported, match="format 99"):
        await EdgeStore(tmp_path).open(generation())


async def test_a_damaged_shard_is_an_error(tmp_path: Path) -> None:
    """Edge's own errors stop at the edge."""
    store = EdgeStore(tmp_path)
    await store.open(generation())
    await store.close()
    (tmp_path / "default--g1" / "shard" / "edge_config.json").write_bytes(b"{")
    with pytest.raises(BackendUnavailable, match="vector index failed"):
        await EdgeStore(tmp_path).open(generation())
