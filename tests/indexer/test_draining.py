"""Faults while indexing: what passes is tried again, what stays becomes a dead letter."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from indexer.draft import Draft
from indexer.service import Indexer
from services.assembly import Services
from services.errors import BackendUnavailable, DeadlineExceeded, InvalidDocument, WinnowError
from services.generations import Generation
from services.models.shelf import EncoderShelf
from services.ports.lexical import LexicalEntry, LexicalIndex, LexicalStore, Tombstone
from services.ports.models import BiEncoder, Embedder, Encoded, Passage
from services.queries import LexicalQuery, Scope, Words
from tests.indexer.stacks import check_congruent, state_of

POISON = "poison"


@dataclass
class FaultyEmbedder:
    """An embedder that fails on some passages."""

    embedder: Embedder

    @property
    def encoder(self) -> BiEncoder:
        return self.embedder.encoder

    async def embed_query(self, query: str) -> Encoded:
        return await self.embedder.embed_query(query)

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        if any(POISON in passage.text for passage in passages):
            raise ValueError("cannot read this")
        encoded = await self.embedder.embed_passages(passages)
        for row, passage in enumerate(passages):
            if "not finite" in passage.text:
                encoded.vectors[row] = float("nan")
        return encoded

    async def close(self) -> None:
        await self.embedder.close()


@dataclass
class FaultyLexicalStore:
    """A text index behind an engine that is down for some calls, or fails on a document."""

    store: LexicalStore
    outages: int = 0
    writes: list[int] = field(default_factory=list)

    async def open(self, generation: Generation) -> LexicalIndex:
        return FaultyLexicalIndex(await self.store.open(generation), self)  # type: ignore[return-value]

    async def drop(self, generation: Generation) -> None:
        await self.store.drop(generation)

    async def ping(self) -> None:
        await self.store.ping()

    async def close(self) -> None:
        await self.store.close()


@dataclass
class FaultyLexicalIndex:
    """Only writing is asked of it."""

    index: LexicalIndex
    faults: FaultyLexicalStore

    async def write(
        self, entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        self.faults.writes.append(len(entries))
        if self.faults.outages:
            self.faults.outages -= 1
            raise BackendUnavailable("The text index is away.")
        if any(POISON in entry.document.text for entry in entries):
            raise RuntimeError("panicked")
        return await self.index.write(entries, tombstones)


async def test_a_document_that_cannot_be_embedded_is_a_dead_letter(services: Services) -> None:
    """It stops no other, keeps its reason, and a new version of it is indexed."""
    assert services.embedder is not None
    faulty = EncoderShelf(services.settings, FaultyEmbedder(services.embedder))
    indexer = Indexer(replace(services, shelf=faulty))
    await indexer.create_collection("books", language="en")
    drafts = [Draft("bad", POISON), Draft("nan", "not finite"), Draft("good", "Tea")]
    await indexer.put("books", drafts)
    report = await indexer.index_pending("books")
    assert report.documents == 1
    assert {letter.document_id for letter in report.dead_letters} == {"bad", "nan"}
    letters = {item.document_id: item.reason for item in await indexer.dead_letters("books")}
    assert "ValueError: cannot read this" in letters["bad"]
    with pytest.raises(InvalidDocument, match="cannot read this"):
        await indexer.wait_until_indexed("books", {"bad": 1}, 20)
    await indexer.wait_until_indexed("books", {"good": 1}, 20)
    await indexer.put("books", [Draft("bad", "Cured"), Draft("nan", "Cured")])
    await indexer.wait_until_indexed("books", {"bad": 2, "nan": 2}, 20)
    assert not await indexer.dead_letters("books")
    check_congruent(await state_of(services, "books"))
    await indexer.close()


async def test_an_engine_that_fails_on_one_document_takes_the_others(services: Services) -> None:
    """A call that fails without naming a document is repeated one by one."""
    store = FaultyLexicalStore(services.lexical)
    indexer = Indexer(replace(services, lexical=store))
    await indexer.create_collection("books", language="en")
    await indexer.put("books", [Draft("bad", POISON), *(Draft(f"{n}", "Tea") for n in range(5))])
    report = await indexer.index_pending("books")
    assert (report.documents, [item.document_id for item in report.dead_letters]) == (5, ["bad"])
    assert store.writes == [6, 0, 1, 1, 1, 1, 1, 1]
    await indexer.close()


async def test_an_outage_passes_and_nothing_is_lost(services: Services) -> None:
    """The background loop tries again; nothing becomes a dead letter."""
    store = FaultyLexicalStore(services.lexical, outages=2)
    async with Indexer(replace(services, lexical=store)) as indexer:
        await indexer.create_collection("books", language="en")
        await indexer.put("books", [Draft("a", "Tea")])
        await indexer.wait_until_indexed("books", {"a": 1}, 60)
        assert store.outages == 0
        assert not await indexer.dead_letters("books")
        await indexer.put("books", [Draft("b", "Tea")])
        await indexer.wait_until_indexed("books", {"b": 1}, 60)
    check_congruent(await state_of(services, "books"))


async def test_an_outage_of_one_collection_holds_up_no_other(services: Services) -> None:
    """A wait that runs out says what failed and that nothing is lost."""
    store = FaultyLexicalStore(services.lexical)
    async with Indexer(replace(services, lexical=store)) as indexer:
        await indexer.create_collection("away")
        await indexer.create_collection("books")
        await indexer.put("away", [Draft("a", POISON)])
        await indexer.settle("away", {"a": 1}, 60)
        store.outages = 10**6
        await indexer.put("away", [Draft("b", "Tea")])
        with pytest.raises(DeadlineExceeded, match=r"stored.*The text index is away"):
            await indexer.wait_until_indexed("away", {"b": 1}, 1.5)
        store.outages = 0
        await indexer.put("books", [Draft("a", "Tea")])
        await indexer.wait_until_indexed("books", {"a": 1}, 60)
        await indexer.wait_until_indexed("away", {"b": 1}, 60)


async def test_leftovers_are_indexed_at_the_start(services: Services) -> None:
    """What an earlier process accepted needs no new write to be indexed."""
    before = Indexer(services)
    await before.create_collection("books")
    await before.put("books", [Draft("a", "Tea")])
    await before.close()
    async with Indexer(services) as indexer:
        await indexer.wait_until_indexed("books", {"a": 1}, 60)


async def test_a_collection_is_deleted_under_the_background_loop(services: Services) -> None:
    """Whoever waits hears of it, and the loop goes on with the others."""
    async with Indexer(services) as indexer:
        for name in ("gone", "books"):
            await indexer.create_collection(name, language="en")
        await indexer.put("gone", [Draft(f"{n}", "Tea is hot. " * 200) for n in range(100)])
        waiting = asyncio.create_task(
            indexer.wait_until_indexed("gone", {f"{n}": 1 for n in range(100)}, 60)
        )
        await asyncio.sleep(0.05)
        await indexer.delete_collection("gone")
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.done()
        await indexer.put("books", [Draft("a", "Tea")])
        await indexer.wait_until_indexed("books", {"a": 1}, 60)


async def test_a_collection_is_deleted_while_it_is_searched(services: Services) -> None:
    """A search that began before either answers or ends with an error of ours."""
    indexer = Indexer(services)
    await indexer.create_collection("books", language="en")
    await indexer.put("books", [Draft(f"{n}", "Tea is hot. " * 50) for n in range(50)])
    await indexer.index_pending("books")
    generation = (await services.ledger.collections.head("books")).live
    assert services.embedder is not None
    lexical, vectors = (
        await services.lexical.open(generation),
        await services.vectors.open(generation),
    )
    query = LexicalQuery(Words("tea"), language="en")
    vector = (await services.embedder.embed_query("tea")).vectors[0]

    async def search() -> None:
        for _ in range(10):
            await asyncio.gather(lexical.search(query, 100), vectors.search(vector, Scope(), 100))

    searches = [asyncio.create_task(search()) for _ in range(8)]
    await asyncio.sleep(0.02)
    await indexer.delete_collection("books")
    for result in await asyncio.gather(*searches, return_exceptions=True):
        assert result is None or isinstance(result, WinnowError)
    await indexer.close()
