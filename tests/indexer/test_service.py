"""Writes, from the ledger to both engines, over the real embedded stack."""

import asyncio
from pathlib import Path

import pytest

from indexer.draft import Draft
from indexer.outcomes import Progress, Removal
from indexer.service import Indexer
from services.assembly import Services, open_services
from services.collections import FieldType
from services.errors import (
    AlreadyExists,
    CollectionNotFound,
    DocumentNotFound,
    InvalidInput,
    ModelUnavailable,
    SchemaConflict,
)
from tests.indexer.conftest import settings_in
from tests.indexer.stacks import check_congruent, state_of

LONG = "One sentence about tea. " * 200


async def test_documents_reach_both_engines(indexer: Indexer, services: Services) -> None:
    """What is put is indexed in chunks, the same in words and vectors."""
    outcomes = await indexer.put("books", [Draft("a", "Green tea"), Draft("b", LONG, "Tea")])
    assert [(item.version, item.changed, item.refused) for item in outcomes] == [(1, True, "")] * 2
    report = await indexer.index_pending("books")
    state = await state_of(services, "books")
    check_congruent(state)
    assert report.documents == 2
    assert report.chunks == len(state.chunks) > 3


async def test_unchanged_content_is_neither_cut_nor_embedded(services: Services) -> None:
    """The same document again takes no version and starts no work."""
    steps: list[str] = []
    indexer = Indexer(services, checkpoint=steps.append)
    await indexer.create_collection("books")
    draft = Draft("a", "Green tea", metadata={"year": 2020})
    await indexer.put("books", [draft])
    await indexer.index_pending("books")
    assert sorted(steps) == sorted(["accepted", "cut", "embedded", "lexical", "vectors", "marked"])
    steps.clear()
    (again,) = await indexer.put("books", [draft])
    report = await indexer.index_pending("books")
    assert (again.version, again.changed) == (1, False)
    assert (report.documents, steps) == (0, ["accepted"])
    await indexer.close()


async def test_a_new_version_replaces_every_chunk(indexer: Indexer, services: Services) -> None:
    """A long document that becomes short leaves no old chunk behind."""
    await indexer.put("books", [Draft("a", LONG)])
    await indexer.index_pending("books")
    await indexer.put("books", [Draft("a", "Short")])
    await indexer.index_pending("books")
    state = await state_of(services, "books")
    check_congruent(state)
    assert [chunk.text for chunk in state.chunks.values()] == ["Short"]


async def test_a_delete_reaches_both_engines(indexer: Indexer, services: Services) -> None:
    """A deleted document is gone from the engines; deleting it again changes nothing."""
    await indexer.put("books", [Draft("a", "Tea"), Draft("b", "Coffee")])
    await indexer.index_pending("books")
    (gone,) = await indexer.delete("books", ["a"])
    await indexer.index_pending("books")
    (again,) = await indexer.delete("books", ["a"])
    assert (gone.changed, again.changed) == (True, False)
    state = await state_of(services, "books")
    check_congruent(state)
    assert list(state.lexical) == ["b"]
    with pytest.raises(DocumentNotFound):
        await indexer.get("books", "a")


async def test_refused_documents_stop_nothing(services: Services) -> None:
    """Each bad document says why, with its problem's slug; the good ones are stored."""
    indexer = Indexer(services)
    await indexer.create_collection("books", {"year": FieldType.INTEGER})
    outcomes = await indexer.put(
        "books",
        [
            Draft("good", "Text"),
            Draft("", "No id"),
            Draft("tab\t", "Control character"),
            Draft("x" * 513, "Long id"),
            Draft("conflict", "Text", metadata={"year": "soon"}),
            Draft("nan", "Text", metadata={"score": float("nan")}),
            Draft("nested", "Text", metadata={"a": {"b": 1}}),
            Draft("language", "Text", language="???"),
            Draft("title", "Text", title="x" * 10_000),
            Draft("principal", "Text", principals=("",)),
            Draft("array", "Text", metadata={"tags": ["x"] * 1_001}),
            Draft("huge", "x" * (16 * 2**20 + 1)),
            Draft("fine", "Text", metadata={"year": 2020, "new": True}),
        ],
    )
    assert {item.id[:10]: item.error for item in outcomes} == {
        "good": "", "": "invalid-id", "tab\t": "invalid-id", "x" * 10: "invalid-id",
        "conflict": "schema-conflict", "nan": "invalid-document", "nested": "invalid-document",
        "language": "invalid-document", "title": "too-large", "principal": "invalid-document",
        "array": "invalid-document", "huge": "too-large", "fine": "",
    }  # fmt: skip
    assert all(item.refused.endswith(".") for item in outcomes if item.error)
    collection = await indexer.get_collection("books")
    assert collection.schema.fields == {"year": FieldType.INTEGER, "new": FieldType.BOOLEAN}
    assert [item.document_id for item in await indexer.list("books")] == ["fine", "good"]
    await indexer.close()


async def test_the_last_of_several_writes_to_an_id_stands(
    indexer: Indexer, services: Services
) -> None:
    """Operations of one call are taken in their order."""
    outcomes = await indexer.write(
        "books",
        [Draft("a", "One"), Removal("a"), Draft("a", "Two"), Draft("b", "B"), Removal("b")],
    )
    assert [item.version for item in outcomes] == [1, 2, 3, 1, 2]
    await indexer.index_pending("books")
    state = await state_of(services, "books")
    check_congruent(state)
    record = await indexer.get("books", "a")
    assert record.document is not None
    assert record.document.text == "Two"


async def test_any_id_works(indexer: Indexer, services: Services) -> None:
    """Slashes, spaces, quotes, any script."""
    ids = ["/etc/passwd", "a//b", "../up", "with space", "é 日本 עברית 👍", "'\"%_*?#&", " "]
    await indexer.put("books", [Draft(identifier, "Text") for identifier in ids])
    await indexer.index_pending("books")
    check_congruent(await state_of(services, "books"))
    assert {item.document_id for item in await indexer.list("books")} == set(ids)
    await indexer.delete("books", ids)
    await indexer.index_pending("books")
    assert not (await state_of(services, "books")).lexical


async def test_prune_deletes_what_is_not_kept(indexer: Indexer) -> None:
    """Only the ids to keep are left."""
    await indexer.put("books", [Draft(f"{number:03}", "Text") for number in range(30)])
    assert await indexer.prune("books", {"001", "017", "absent"}) == 28
    assert [item.document_id for item in await indexer.list("books")] == ["001", "017"]


async def test_documents_without_text_are_kept(indexer: Indexer, services: Services) -> None:
    """An empty text is stored and settled: with a title it is found by that."""
    await indexer.put("books", [Draft("empty", ""), Draft("titled", " ", "Only a title")])
    await indexer.index_pending("books")
    assert await indexer.backlog("books") == 0
    assert await indexer.count("books") == 2
    state = await state_of(services, "books")
    assert state.lexical["titled"] == state.vectors["titled"]


async def test_collections_are_made_declared_and_listed(indexer: Indexer) -> None:
    """Names are checked, a second creation is refused, declaring adds keys."""
    with pytest.raises(AlreadyExists):
        await indexer.create_collection("books")
    for name in ("", "Books", "a/b", "..", "x" * 64):
        with pytest.raises(InvalidInput):
            await indexer.create_collection(name)
    assert (await indexer.ensure_collection("notes")).name == "notes"
    _, created = await indexer.declare("notes", {"year": FieldType.INTEGER})
    assert not created
    with pytest.raises(SchemaConflict):
        await indexer.declare("notes", {"year": FieldType.DATE})
    with pytest.raises(AlreadyExists):
        await indexer.declare("books", {}, "pt")
    assert [item.name for item in await indexer.list_collections()] == ["books", "notes"]


async def test_a_deleted_collection_leaves_nothing(indexer: Indexer, services: Services) -> None:
    """One of the same name begins empty."""
    await indexer.put("books", [Draft("a", "Old"), Draft("b", "Old")])
    await indexer.index_pending("books")
    await indexer.delete_collection("books")
    for call in (indexer.put("books", [Draft("a", "x")]), indexer.index_pending("books")):
        with pytest.raises(CollectionNotFound):
            await call
    with pytest.raises(CollectionNotFound):
        await indexer.delete_collection("books")
    await indexer.create_collection("books")
    await indexer.put("books", [Draft("a", "New")])
    await indexer.index_pending("books")
    state = await state_of(services, "books")
    check_congruent(state)
    assert list(state.lexical) == ["a"]


async def test_a_collection_is_deleted_while_it_is_indexed(indexer: Indexer) -> None:
    """The work ends with "no such collection", not with half of one."""
    await indexer.put("books", [Draft(f"{number}", LONG) for number in range(40)])
    indexing = asyncio.create_task(indexer.index_pending("books"))
    await asyncio.sleep(0.05)
    await indexer.delete_collection("books")
    with pytest.raises(CollectionNotFound):
        await indexing


async def test_two_writers_fix_a_new_key_with_different_types(indexer: Indexer) -> None:
    """One wins, the other's document is refused."""
    for number in range(5):
        outcomes = await asyncio.gather(
            indexer.put("books", [Draft("a", "x", metadata={f"key{number}": 1})]),
            indexer.put("books", [Draft("b", "x", metadata={f"key{number}": "one"})]),
        )
        assert sorted(item.error for (item,) in outcomes) == ["", "schema-conflict"]


async def test_progress_tells_documents_and_chunks(indexer: Indexer) -> None:
    """It ends with everything done."""
    seen: list[Progress] = []
    await indexer.put("books", [Draft(f"{number}", LONG) for number in range(120)])
    report = await indexer.index_pending("books", seen.append)
    assert len(seen) > 1
    assert [item.documents for item in seen] == sorted({item.documents for item in seen})
    assert (seen[-1].documents, seen[-1].total, seen[-1].chunks) == (120, 120, report.chunks)
    assert seen[-1].seconds_left == 0
    assert seen[-1].chunks > 0


async def test_the_language_is_settled_once(services: Services) -> None:
    """The draft's own, then the collection's, then the detected one."""
    indexer = Indexer(services)
    await indexer.create_collection("mixed")
    await indexer.create_collection("portuguese", language="pt")
    text = "The quick brown fox jumps over the lazy dog and runs into the deep forest."
    drafts = [Draft("own", text, language="de-AT"), Draft("none", text)]
    for collection, expected in (("mixed", ["en", "de"]), ("portuguese", ["pt", "de"])):
        await indexer.put(collection, drafts)
        assert [item.language for item in await indexer.list(collection)] == expected
    await indexer.close()


async def test_without_an_encoder_words_alone_are_indexed(tmp_path: Path) -> None:
    """A collection made without a bi-encoder is complete without vectors, also later with one."""
    async with open_services(settings_in(tmp_path, bi_encoder="")) as services:
        indexer = Indexer(services)
        await indexer.create_collection("books")
        await indexer.put("books", [Draft("a", LONG)])
        assert (await indexer.index_pending("books")).documents == 1
        await indexer.close()
    async with open_services(settings_in(tmp_path)) as services:
        indexer = Indexer(services)
        await indexer.put("books", [Draft("b", "Tea")])
        await indexer.index_pending("books")
        head = await services.ledger.collections.head("books")
        index = await services.lexical.open(head.live)
        assert [item.document_id for item in await index.versions("", 10)] == ["a", "b"]
        await indexer.close()


async def test_a_generation_waits_for_the_model_it_was_made_with(tmp_path: Path) -> None:
    """Without it writes are stored and wait, and the error says what to do; then they go on."""
    async with open_services(settings_in(tmp_path)) as services:
        indexer = Indexer(services)
        await indexer.create_collection("books")
        await indexer.close()
    async with open_services(settings_in(tmp_path, bi_encoder="")) as services:
        async with Indexer(services) as indexer:
            (outcome,) = await indexer.put("books", [Draft("a", "Tea")])
            assert outcome.changed
            with pytest.raises(ModelUnavailable, match="switched off"):
                await indexer.wait_until_indexed("books", {"a": 1}, 20)
        with pytest.raises(ModelUnavailable):
            await indexer.index_pending("books")
    async with open_services(settings_in(tmp_path)) as services:
        async with Indexer(services) as indexer:
            await indexer.wait_until_indexed("books", {"a": 1}, 20)
        check_congruent(await state_of(services, "books"))
