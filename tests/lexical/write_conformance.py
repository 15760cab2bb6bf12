"""What every LexicalStore does with versions: idempotent writes, deletions, reading back."""

from dataclasses import replace

from services.candidates import IndexedVersion
from services.collections import MAX_KEYS_PER_TYPE
from services.documents import ChunkRef
from services.ports.lexical import LexicalIndex, LexicalStore, Tombstone
from tests.holdings import NAMES, NONE, TOMBSTONES, check_holdings, check_nothing_held
from tests.lexical.conformance import ids
from tests.lexical.examples import entry, generation, query
from tests.lexical.suite import LexicalSuite


class LexicalWriteConformance(LexicalSuite):
    """Inherited by an adapter's test class, which gives ``store``."""

    async def test_the_same_version_again_changes_nothing(self, index: LexicalIndex) -> None:
        """A retried write leaves every score as it was."""
        await index.write([entry("a", "one word"), entry("b", "another word")], [])
        before = await index.search(query("one word"), 5)
        await index.write([entry("a", "one word"), entry("b", "something else")], [])
        assert await index.search(query("one word"), 5) == before
        assert ids(await index.search(query("something"), 5)) == []

    async def test_a_newer_version_replaces_every_chunk(self, index: LexicalIndex) -> None:
        """Nothing of the older version is found, read or counted, even in another language."""
        await index.write([entry("a", "one", "two", "three")], [])
        await index.write([entry("a", "eins", version=2, language="de")], [])
        assert await index.search(query("one two three"), 5) == []
        assert [hit.version for hit in await index.search(query("eins"), 5)] == [2]
        assert list(await index.read([ChunkRef("a", 0), ChunkRef("a", 1)])) == [ChunkRef("a", 0)]
        assert await index.versions("", 10) == [IndexedVersion("a", 2, 1)]

    async def test_an_older_version_is_ignored(self, index: LexicalIndex) -> None:
        """A write that comes late does not bring old text back."""
        await index.write([entry("a", "new", version=5)], [])
        await index.write([entry("a", "old", version=4)], [Tombstone("a", 3)])
        assert ids(await index.search(query("new"), 5)) == ["a"]
        assert await index.search(query("old"), 5) == []

    async def test_a_deleted_document_stays_deleted(self, index: LexicalIndex) -> None:
        """A late older write does not resurrect it; a newer one stores it again."""
        await index.write([entry("a", "word")], [])
        await index.write([], [Tombstone("a", 3), Tombstone("never there", 7)])
        await index.write([entry("a", "word", version=2), entry("never there", "word")], [])
        assert await index.search(query("word"), 5) == []
        assert await index.versions("", 10) == []
        assert (await index.survey(query(), {})).total == 0
        assert await index.browse(query(), None, 5) == []
        await index.write([entry("a", "word", version=4)], [])
        assert ids(await index.search(query("word"), 5)) == ["a"]

    async def test_the_newest_of_one_batch_wins(self, index: LexicalIndex) -> None:
        """Several versions of a document in one write leave the newest."""
        await index.write(
            [entry("a", "second", version=2), entry("a", "first"), entry("b", "word")],
            [Tombstone("b", 2)],
        )
        assert ids(await index.search(query("first second word"), 5)) == ["a"]
        assert await index.versions("", 10) == [IndexedVersion("a", 2, 1)]

    async def test_what_is_refused_is_named_and_the_rest_goes_in(self, index: LexicalIndex) -> None:
        """A document with more keys than there is room for is refused with a reason."""
        keys = {f"key {number}": number for number in range(MAX_KEYS_PER_TYPE + 1)}
        refused = await index.write([entry("a", "word", metadata=keys), entry("b", "word")], [])
        assert list(refused) == ["a"]
        assert "at most" in refused["a"]
        assert ids(await index.search(query("word"), 5)) == ["b"]

    async def test_chunks_are_read_back_as_they_were_indexed(self, index: LexicalIndex) -> None:
        """Text, offsets, heading path and version; what is not there is left out."""
        written = entry("ä/ö ü", "line\tone 💥", "two\x00", version=3, heading="H")
        await index.write([written], [])
        refs = [chunk.ref for chunk in written.chunks]
        found = await index.read([*refs, ChunkRef("ä/ö ü", 2), ChunkRef("other", 0)])
        assert found == {chunk.ref: chunk for chunk in written.chunks}
        assert await index.read([]) == {}

    async def test_versions_are_listed_by_id(self, index: LexicalIndex) -> None:
        """Page after page in the order of code points, without gaps, deletions left out."""
        names = ["Z", "a", "a b", "a/b", "é", "中", "💥"]
        await index.write([entry(name, "x", "y") for name in names], [Tombstone("b", 1)])
        listed: list[str] = []
        after = ""
        while page := await index.versions(after, 2):
            assert len(page) <= 2
            listed.extend(found.document_id for found in page)
            after = listed[-1]
        assert listed == names
        assert await index.versions("", 1) == [IndexedVersion("Z", 1, 2)]

    async def test_a_document_without_chunks_counts_as_indexed(self, index: LexicalIndex) -> None:
        """An empty text has no chunks but a version."""
        written = entry("a", "word")
        await index.write([replace(written, chunks=())], [])
        assert await index.versions("", 10) == [IndexedVersion("a", 1, 0)]
        await index.write([entry("a", "word", version=2)], [])
        assert ids(await index.search(query("word"), 5)) == ["a"]

    async def test_nothing_written_is_nothing_changed(self, index: LexicalIndex) -> None:
        """An empty write is answered like any other."""
        assert await index.write([], []) == {}
        assert await index.versions("", 10) == []

    async def test_opening_again_gives_the_same_index(self, store: LexicalStore) -> None:
        """A generation that is opened twice is one index."""
        await (await store.open(generation())).write([entry("a", "word")], [])
        again = await store.open(generation())
        assert ids(await again.search(query("word"), 5)) == ["a"]

    async def test_the_inventory_counts_what_is_there(self, index: LexicalIndex) -> None:
        """Chunks of every language, tombstones too, by id; the same is told of single ids."""
        await index.write([entry(name, "one", "two") for name in NAMES], [])
        newer = [entry("a", "eins", version=3, language="de"), entry(NONE, version=2)]
        await index.write(newer, TOMBSTONES)
        await check_holdings(index)

    async def test_an_empty_index_holds_nothing(self, index: LexicalIndex) -> None:
        """Nothing is counted."""
        await check_nothing_held(index)
