"""What every VectorStore does: an adapter's test class inherits it and gives ``store``."""

from dataclasses import replace

import numpy as np
import pytest

from services.documents import ChunkRef
from services.errors import InvalidInput
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorIndex, VectorStore
from services.queries import Scope
from services.rights import Rights
from tests.holdings import NAMES, NONE, TOMBSTONES, check_holdings, check_nothing_held
from tests.vectors.examples import DIMENSIONS, direction, entry, generation, query, refs
from tests.vectors.suite import VectorSuite


class VectorStoreConformance(VectorSuite):
    """Inherited by an adapter's test class, which gives ``store``."""

    async def test_search_orders_by_cosine(self, index: VectorIndex) -> None:
        """The nearest direction comes first, whatever its length."""
        await index.write(
            [
                entry("near", [direction(100.0, 1.0)]),
                entry("far", [direction(0.0, 1.0)]),
                entry("opposite", [direction(-1.0)]),
            ],
            [],
        )
        run = await index.search(query(1.0), Scope(), 10)
        assert [ref.document_id for ref in refs(run)] == ["near", "far", "opposite"]
        assert [hit.score for hit in run] == pytest.approx([0.99995, 0.0, -1.0], abs=1e-4)
        assert await index.search(query(1.0), Scope(), 1) == run[:1]

    async def test_search_of_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        """No document, no hit."""
        assert list(await index.search(query(1.0), Scope(), 10)) == []
        assert await index.read([ChunkRef("absent", 0)]) == {}
        assert list(await index.versions("", 10)) == []

    async def test_ties_are_ordered_by_id_then_ordinal(self, index: VectorIndex) -> None:
        """Equal scores follow one rule, also where the depth cuts through them."""
        same = [direction(1.0, 1.0)] * 3
        await index.write([entry(identifier, same) for identifier in ("c", "a", "b", "é")], [])
        ordered = [
            ChunkRef(identifier, ordinal)
            for identifier in ("a", "b", "c", "é")
            for ordinal in range(3)
        ]
        for depth in (1, 2, 5, 12, 50):
            assert refs(await index.search(query(1.0), Scope(), depth)) == ordered[:depth]

    async def test_many_ties_beyond_the_depth(self, index: VectorIndex) -> None:
        """The first by id wins among hundreds of equal scores."""
        await index.write([entry(f"{n:04}", [direction(1.0)]) for n in range(600, 0, -1)], [])
        run = await index.search(query(1.0), Scope(), 3)
        assert [ref.document_id for ref in refs(run)] == ["0001", "0002", "0003"]

    async def test_write_is_idempotent(self, index: VectorIndex) -> None:
        """The same version again changes nothing."""
        await index.write([entry("a", [direction(1.0)])], [])
        await index.write([entry("a", [direction(0.0, 1.0)])], [])
        (hit,) = await index.search(query(1.0), Scope(), 10)
        assert hit.score == pytest.approx(1.0)

    async def test_a_newer_version_replaces_every_chunk(self, index: VectorIndex) -> None:
        """Ordinals that the newer version lacks are gone."""
        await index.write([entry("a", [direction(1.0)] * 5)], [])
        await index.write([entry("a", [direction(1.0)] * 2, version=2)], [])
        run = await index.search(query(1.0), Scope(), 10)
        assert [(hit.ref.ordinal, hit.version) for hit in run] == [(0, 2), (1, 2)]
        (stored,) = await index.versions("", 10)
        assert (stored.document_id, stored.version, stored.chunks) == ("a", 2, 2)

    async def test_stored_vectors_bear_writing_again(self, index: VectorIndex) -> None:
        """Read and written over and over they point where they did; each names its passage."""
        random = np.random.default_rng(3)
        first = entry("a", random.standard_normal((40, DIMENSIONS)).tolist())
        await index.write([first], [])
        named = [chunk.ref for chunk in first.chunks]
        absent = ChunkRef("a", 40)
        digests = {chunk.ref: chunk.passage_digest("") for chunk in first.chunks}
        assert await index.passages([*named, absent]) == digests
        lengths = np.linalg.norm(first.vectors, axis=1, keepdims=True)
        for version in range(2, 6):
            held = await index.stored([*named, absent])
            assert {ref: each.passage for ref, each in held.items()} == digests
            vectors = np.stack([held[ref].vector for ref in named])
            assert np.abs(vectors - first.vectors / lengths).max() < 1e-6
            await index.write([replace(first, version=version, vectors=vectors)], [])
        assert not await index.stored([])

    async def test_an_older_version_is_ignored(self, index: VectorIndex) -> None:
        """A late write does not undo a newer one."""
        await index.write([entry("a", [direction(1.0)], version=3)], [])
        await index.write([entry("a", [direction(1.0)] * 4, version=2)], [])
        await index.write([], [Tombstone("a", 2)])
        (hit,) = await index.search(query(1.0), Scope(), 10)
        assert hit.version == 3

    async def test_a_tombstone_removes_and_is_remembered(self, index: VectorIndex) -> None:
        """A late write does not resurrect what was deleted; a newer one does."""
        await index.write([entry("a", [direction(1.0)] * 2)], [])
        await index.write([], [Tombstone("a", 2), Tombstone("never seen", 5)])
        await index.write([entry("a", [direction(1.0)]), entry("never seen", [direction(1.0)])], [])
        assert list(await index.search(query(1.0), Scope(), 10)) == []
        assert list(await index.versions("", 10)) == []
        await index.write([entry("a", [direction(1.0)], version=3)], [])
        assert len(await index.search(query(1.0), Scope(), 10)) == 1

    async def test_the_newest_of_one_call_wins(self, index: VectorIndex) -> None:
        """One call may name a document more than once."""
        await index.write(
            [entry("a", [direction(1.0)], version=2), entry("a", [direction(1.0)] * 3)],
            [Tombstone("b", 1), Tombstone("a", 1)],
        )
        (hit,) = await index.search(query(1.0), Scope(), 10)
        assert hit.version == 2

    async def test_faulty_entries_are_refused_alone(self, index: VectorIndex) -> None:
        """Each has its reason, the others are written."""
        refused = await index.write(
            [
                entry("nan", [direction(float("nan"))]),
                entry("infinite", [direction(1.0), direction(float("inf"))]),
                entry("short", [[1.0, 2.0]]),
                entry("good", [direction(1.0)]),
            ],
            [],
        )
        assert set(refused) == {"nan", "infinite", "short"}
        assert "not finite" in refused["nan"]
        assert [stored.document_id for stored in await index.versions("", 10)] == ["good"]

    async def test_zero_vectors_do_no_harm(self, index: VectorIndex) -> None:
        """A zero vector is stored and scores 0; a zero query finds nothing."""
        await index.write([entry("zero", [direction()]), entry("a", [direction(1.0)])], [])
        run = await index.search(query(1.0), Scope(), 10)
        assert [(hit.ref.document_id, hit.score) for hit in run] == [
            ("a", pytest.approx(1.0)),
            ("zero", 0.0),
        ]
        assert list(await index.search(query(), Scope(), 10)) == []

    async def test_a_query_of_another_size_is_refused(self, index: VectorIndex) -> None:
        """So is one that is not finite."""
        for vector in (np.ones(3, np.float32), query(float("nan"))):
            with pytest.raises(InvalidInput):
                await index.search(vector, Scope(), 10)

    async def test_a_document_without_chunks_counts(self, index: VectorIndex) -> None:
        """It is known with its version, so that nobody writes it again and again."""
        await index.write([entry("a", [direction(1.0)])], [])
        await index.write([entry("a", [], version=2)], [])
        assert list(await index.search(query(1.0), Scope(), 10)) == []
        (stored,) = await index.versions("", 10)
        assert (stored.version, stored.chunks) == (2, 0)

    async def test_read_gives_the_chunks_as_written(self, index: VectorIndex) -> None:
        """Text, offsets, headings and version."""
        written = entry("a/ b?é\u202e", [direction(1.0)] * 3, version=4)
        await index.write([written], [])
        asked = [*(chunk.ref for chunk in written.chunks), ChunkRef("a", 0)]
        assert await index.read(asked) == {chunk.ref: chunk for chunk in written.chunks}

    async def test_versions_pages_by_id(self, index: VectorIndex) -> None:
        """Ids come in the order of their code points, from the first after the one given."""
        names = ["a", "B", "é", "z", "日本", "\U0001f600", "\uffee"]
        await index.write([entry(name, [direction(1.0)] * 2) for name in names], [])
        found, after = [], ""
        while page := await index.versions(after, 3):
            found += [stored.document_id for stored in page]
            after = found[-1]
        assert found == sorted(names)

    async def test_the_inventory_counts_what_is_there(self, index: VectorIndex) -> None:
        """Chunk by chunk, tombstones too, by id; the same is told of single ids."""
        await check_nothing_held(index)
        await index.write([entry(name, [direction(1.0)] * 2) for name in NAMES], [])
        newer = [entry("a", [direction(1.0)], version=3), entry(NONE, [], version=2)]
        await index.write(newer, TOMBSTONES)
        await check_holdings(index)

    async def test_rights_narrow_the_search(self, index: VectorIndex) -> None:
        """Documents without principals are everybody's; others need one of theirs."""
        await index.write(
            [
                entry("public", [direction(1.0)]),
                entry("staff", [direction(1.0)], principals=("staff", "*")),
                entry("ann", [direction(1.0)], principals=("ann",)),
            ],
            [],
        )

        async def visible(rights: Rights) -> list[str]:
            run = await index.search(query(1.0), Scope(rights=rights), 10)
            return [ref.document_id for ref in refs(run)]

        assert await visible(Rights()) == ["ann", "public", "staff"]
        assert await visible(Rights(frozenset())) == ["public"]
        assert await visible(Rights(frozenset({"*"}))) == ["public", "staff"]
        assert await visible(Rights(frozenset({"ann", "bob"}))) == ["ann", "public"]

    async def test_generations_are_apart(self, store: VectorStore) -> None:
        """Dropping one leaves the other; opening it again finds it empty."""
        first, second = generation("g1"), generation("g2")
        for built in (first, second):
            await (await store.open(built)).write([entry("a", [direction(1.0)])], [])
        await store.drop(first)
        await store.drop(first)
        assert len(await (await store.open(second)).versions("", 10)) == 1
        assert len(await (await store.open(first)).versions("", 10)) == 0

    async def test_open_again_is_the_same_index(self, store: VectorStore) -> None:
        """What was written through one is seen through the other."""
        await (await store.open(generation())).write([entry("a", [direction(1.0)])], [])
        assert len(await (await store.open(generation())).versions("", 10)) == 1
        await store.ping()

    async def test_orphans_are_named_and_removed(self, store: VectorStore) -> None:
        """Only indexes of generations that nobody knows, and none that looks otherwise."""
        kept, lost = (generation(f"g000{number}-0123456789ab-abcdef") for number in (1, 2))
        for made in (kept, lost, generation("by-hand")):
            await (await store.open(made)).write([entry("a", [direction(1.0)])], [])
        (orphan,) = await store.orphans([kept])
        assert await store.orphans([kept, lost]) == []
        await store.remove(orphan)
        await store.remove(orphan)
        assert await store.orphans([kept]) == []
        assert len(await (await store.open(kept)).versions("", 10)) == 1
        assert len(await (await store.open(lost)).versions("", 10)) == 0
