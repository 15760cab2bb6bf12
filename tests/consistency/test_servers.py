"""Consistency on the server stack: faults as networks and servers make them."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from qdrant_client import AsyncQdrantClient, models

from indexer.consistency.comparing import Engine, Kind
from indexer.consistency.restoring import restore
from indexer.consistency.service import Reconciled
from indexer.draft import Draft
from indexer.service import Indexer
from services.assembly import Services, open_services
from services.documents import ChunkRef
from services.embedded.ledger import SqliteLedger
from services.generations import Generation
from services.opensearch.bulk import bulk
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from services.opensearch.lexical import OpenSearchStore
from services.opensearch.lexical.rows import document_action
from tests.indexer.conftest import settings_in
from tests.indexer.test_backup import contents, write_backup
from tests.indexer.test_verification import LONG
from tests.ledger.examples import delete, put
from tests.lexical.examples import entry
from tests.opensearch.conftest import client, layout
from tests.qdrant.stores import LOCAL_MODE, qdrant_store

__all__ = ["client", "layout"]

pytestmark = [pytest.mark.servers, *LOCAL_MODE]


@dataclass(frozen=True)
class Stack:
    """An indexer over servers, and ways around it."""

    services: Services
    indexer: Indexer
    opensearch: OpenSearchClient
    layout: Layout
    qdrant: AsyncQdrantClient

    async def live(self) -> Generation:
        """The generation that answers."""
        return (await self.services.ledger.collections.head("books")).live

    async def alias(self) -> str:
        """The text index."""
        return self.layout.alias("lexical", (await self.live()).name)

    async def collection(self) -> str:
        """The vector index."""
        held = (await self.qdrant.get_collections()).collections
        name = (await self.live()).name
        (found,) = (each.name for each in held if each.name.endswith(f"-{name}"))
        return found

    async def found(self) -> list[tuple[str, Engine, Kind]]:
        """What verification tells."""
        (answer,) = await self.indexer.consistency.verify("books")
        return [(each.document_id, each.engine, each.kind) for each in answer.listed]

    async def mended(self) -> Reconciled:
        """Reconcile until all agree; a second time writes nothing."""
        done = await self.indexer.consistency.reconcile("books", "test")
        assert done.clean, await self.found()
        assert not await self.found()
        again = await self.indexer.consistency.reconcile("books", "test")
        assert not again.repairs.wrote
        return done


@pytest.fixture
async def stack(tmp_path: Path, client: OpenSearchClient, layout: Layout) -> AsyncIterator[Stack]:
    """The collection ``books`` of a, b and c (of several chunks); all indexed."""
    settings = settings_in(tmp_path / uuid.uuid4().hex)
    async with open_services(settings) as opened, qdrant_store() as (vectors, qdrant):
        ledger, lexical = OpenSearchLedger(client, layout), OpenSearchStore(client, layout)
        services = replace(opened, ledger=ledger, lexical=lexical, vectors=vectors)
        indexer = Indexer(services)
        await indexer.create_collection("books", language="en")
        await indexer.put("books", [Draft("a", "Boats"), Draft("b", "Trains"), Draft("c", LONG)])
        await indexer.index_pending("books")
        yield Stack(services, indexer, client, layout, qdrant)
        await indexer.close()


async def test_a_vector_write_that_was_skipped(stack: Stack) -> None:
    """The text index has it, the vector index does not."""
    (accepted,) = await stack.services.ledger.documents.accept("books", [put("a", "Ships")])
    lexical = await stack.services.lexical.open(await stack.live())
    await lexical.write([entry("a", "Ships", version=accepted.version)], [])
    await stack.services.ledger.documents.mark(await stack.live(), {"a": accepted.version})
    assert await stack.found() == [("a", Engine.VECTORS, Kind.STALE)]
    assert (await stack.mended()).repairs.unmarked == 1


async def test_refused_items_of_a_bulk_write_that_nobody_noticed(stack: Stack) -> None:
    """The document's row speaks of chunks that are not there."""
    written = entry("d", "one", "two", "three")
    await stack.services.ledger.documents.accept("books", [put("d", "one two three")])
    await bulk(stack.opensearch, await stack.alias(), [document_action(written)], wait=True)
    await stack.services.ledger.documents.mark(await stack.live(), {"d": 1})
    assert sorted(await stack.found()) == [
        ("d", Engine.TEXT, Kind.MISSING),
        ("d", Engine.VECTORS, Kind.MISSING),
    ]
    assert (await stack.mended()).repairs.superseded == 1


async def test_rows_that_somebody_deleted(stack: Stack) -> None:
    """OpenSearch remembers their versions for minutes; the next one above comes through."""
    row = quote(ChunkRef("c", 1).uuid)
    await stack.opensearch.send("DELETE", f"/{await stack.alias()}/_doc/{row}", refresh=True)
    assert await stack.found() == [("c", Engine.TEXT, Kind.MISSING)]
    await stack.mended()
    document = (await stack.indexer.get("books", "c")).document
    assert document is not None
    assert document.text == LONG


async def test_points_that_an_unfinished_write_left_out(stack: Stack) -> None:
    """A record without its points, and an old point beside the new ones."""
    name = await stack.collection()
    lost = models.PointIdsList(points=[ChunkRef("c", 0).uuid])
    await stack.qdrant.delete(name, lost, wait=True)
    assert await stack.found() == [("c", Engine.VECTORS, Kind.MISSING)]
    assert (await stack.mended()).repairs.superseded == 1
    old = models.PointStruct(
        id=ChunkRef("a", 5).uuid,
        vector={"text": [1.0] * 64},
        payload={"document": "a", "ordinal": 5, "version": 0},
    )
    await stack.qdrant.upsert(name, [old], wait=True)
    assert await stack.found() == [("a", Engine.VECTORS, Kind.DUPLICATE)]
    assert (await stack.mended()).repairs.superseded == 1


async def test_a_backup_goes_from_servers_to_a_file_and_back(
    stack: Stack, tmp_path: Path, client: OpenSearchClient, layout: Layout
) -> None:
    """OpenSearch, SQLite and another OpenSearch hold the same; then engines are filled from it."""
    await stack.services.ledger.documents.accept("books", [put("x", "\ud800"), delete("b")])
    first = await write_backup(stack.services.ledger, tmp_path / "first")
    sqlite = await SqliteLedger.open(tmp_path / "ledger.sqlite")
    assert (await restore(sqlite, first)).stored == 4
    second = await write_backup(sqlite, tmp_path / "second")
    await sqlite.close()
    await stack.indexer.delete_collection("books")
    restored = await stack.indexer.consistency.restore(second, "test")
    assert (restored.collections, restored.stored) == (("books",), 4)
    after = await contents(stack.services.ledger)
    assert {record.document_id: record.version for record in after["books"]} == {
        "a": 1,
        "b": 2,
        "c": 1,
        "x": 1,
    }
    await stack.indexer.index_pending("books")
    assert not await stack.found()
    assert (await restore(stack.services.ledger, first)).stored == 0
