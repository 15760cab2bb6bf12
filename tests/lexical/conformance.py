"""What every LexicalStore does with words and writes; an adapter's class gives ``store``."""

import pytest

from services.candidates import Run
from services.documents import ChunkRef
from services.errors import BackendUnavailable
from services.ports.lexical import LexicalIndex, LexicalStore, Tombstone
from tests.lexical.examples import entry, generation, query
from tests.lexical.suite import LexicalSuite

ODD_TEXTS = [
    "",
    " \t\n",
    "*",
    "?*:",
    '"',
    "a:b AND (c OR",
    "\x00\x01\x1b",
    "💥🎉",
    "\ud800 lone",
    "x" * 100_000,
    "word " * 20_000,
    " ".join(f"w{number}" for number in range(5_000)),
    "the and of",
    "\u0301\u0301",
]


def ids(run: Run) -> list[str]:
    """The documents of a run, in its order."""
    return [hit.ref.document_id for hit in run]


class LexicalStoreConformance(LexicalSuite):
    """Inherited by an adapter's test class, which gives ``store``."""

    async def test_rarer_words_weigh_more(self, index: LexicalIndex) -> None:
        """Words are alternatives, and BM25 orders what holds some of them."""
        await index.write(
            [
                entry("common", "a boat on the lake"),
                entry("rare", "a zeppelin over the lake"),
                entry("both", "a zeppelin over a boat"),
                entry("none", "nothing of the kind"),
                *(entry(f"boat {number}", "another boat and its crew") for number in range(5)),
            ],
            [],
        )
        run = await index.search(query("boat zeppelin"), 10)
        assert ids(run)[:2] == ["both", "rare"]
        assert "none" not in ids(run)
        assert [hit.score for hit in run] == sorted((hit.score for hit in run), reverse=True)
        assert all(hit.version == 1 for hit in run)

    async def test_a_word_said_four_times_weighs_twice(self, index: LexicalIndex) -> None:
        """Emphasis counts, and less with every repetition."""
        await index.write([entry("a", "a boat on the lake"), entry("b", "a quiet shore")], [])
        once = await index.search(query("boat"), 10)
        often = await index.search(query("boat boats, boat: boat"), 10)
        assert ids(once) == ids(often) == ["a"]
        assert often[0].score == pytest.approx(2 * once[0].score, rel=1e-5)

    async def test_ties_are_ordered_by_id_and_ordinal_also_at_the_cut(
        self, index: LexicalIndex
    ) -> None:
        """Chunks of one score come by id and ordinal, whatever order they were written in."""
        names = [f"doc {number:03}" for number in range(120)]
        half = names[::-2]
        await index.write([entry(name, *["same words here"] * 2) for name in half], [])
        rest = [name for name in reversed(names) if name not in half]
        await index.write([entry(name, *["same words here"] * 2) for name in rest], [])
        run = await index.search(query("words"), 5)
        assert [hit.ref for hit in run] == [
            ChunkRef("doc 000", 0),
            ChunkRef("doc 000", 1),
            ChunkRef("doc 001", 0),
            ChunkRef("doc 001", 1),
            ChunkRef("doc 002", 0),
        ]

    async def test_titles_and_headings_are_searched(self, index: LexicalIndex) -> None:
        """Every chunk is found by its document's title and by the headings it stands under."""
        await index.write([entry("a", "text", title="Zebra", heading="Stripes")], [])
        assert ids(await index.search(query("zebra"), 5)) == ["a"]
        assert ids(await index.search(query("stripes"), 5)) == ["a"]

    async def test_a_phrase_must_stand_in_the_chunk(self, index: LexicalIndex) -> None:
        """Only chunks with one of the phrases are found, in its order of words."""
        await index.write(
            [
                entry("yes", "the quick brown fox"),
                entry("order", "a fox brown and quick"),
                entry("apart", "the quick fox is brown"),
                entry("other", "a lazy dog sleeps"),
            ],
            [],
        )
        assert ids(await index.search(query(phrases=("brown fox",)), 5)) == ["yes"]
        both = await index.search(query("quick", phrases=("brown fox", "lazy dog")), 5)
        assert sorted(ids(both)) == ["other", "yes"]

    async def test_a_phrase_reaches_over_stop_words_but_not_from_title_to_text(
        self, index: LexicalIndex
    ) -> None:
        """Stop words leave a gap in a phrase; fields do not run on into each other."""
        await index.write(
            [entry("a", "bank of the river"), entry("b", "fox trot", title="big brown")], []
        )
        assert ids(await index.search(query(phrases=("bank of the river",)), 5)) == ["a"]
        assert ids(await index.search(query(phrases=("bank river",)), 5)) == []
        assert ids(await index.search(query(phrases=("brown fox",)), 5)) == []

    async def test_excluded_words_and_phrases_rule_out(self, index: LexicalIndex) -> None:
        """A chunk with an excluded word, in any form, or phrase is not found."""
        await index.write(
            [
                entry("fox", "brown foxes run"),
                entry("bear", "brown bear sleeps"),
                entry("other bear", "bear that is brown"),
            ],
            [],
        )
        assert "fox" not in ids(await index.search(query("brown", excluded=("fox",)), 5))
        run = await index.search(query("brown", excluded=("brown bear", "fox")), 5)
        assert ids(run) == ["other bear"]

    async def test_a_language_is_searched_by_its_own_rules(self, index: LexicalIndex) -> None:
        """Without a language every one present is searched, with one only that."""
        await index.write(
            [
                entry("de", "Die Häuser der Stadt Hamburg", language="de"),
                entry("en", "Houses of Hamburg", language="en"),
                entry("plain", "Hamburg houses", language="und"),
                entry("unknown", "houses in Hamburg", language="xx"),
            ],
            [],
        )
        assert ids(await index.search(query("haus", language="de"), 5)) == ["de"]
        assert ids(await index.search(query("house"), 5)) == ["en"]
        assert sorted(ids(await index.search(query("hamburg"), 5))) == [
            "de",
            "en",
            "plain",
            "unknown",
        ]
        assert ids(await index.search(query("hamburg", language="en"), 5)) == ["en"]
        assert ids(await index.search(query("hamburg", language="fr"), 5)) == []

    @pytest.mark.parametrize(
        ("language", "text", "found", "missed"),
        [
            ("zh", "我们喜欢用Python编程", ("编程", "python", "喜欢", "用"), ("编喜", "pyth")),
            ("ja", "猫が好きです", ("猫", "好き"), ("犬", "猫好")),
            ("ko", "한국어 문장은 좋다", ("문장", "한국어"), ("국문",)),
            ("th", "ภาษาไทยง่าย", ("ไทย", "ภาษา"), ("ไง",)),
            ("hi", "भारत की स्थिति", ("भारत", "स्थिति"), ("स",)),
            ("ar", "كتب الطالب الكتاب", ("كتاب", "طالب"), ("مدرسة",)),
            ("vi", "Việt Nam là đất nước", ("việt", "nước"), ("viet",)),
            ("id", "bahasa Indonesia", ("INDONESIA",), ("indo",)),
            ("pt", "os livros da história", ("livro", "historia"), ("liv",)),
            ("en", "he said 東京 is large", ("東京", "large"), ("京東",)),
        ],
    )
    async def test_each_script_is_found_by_its_words(
        self,
        index: LexicalIndex,
        language: str,
        text: str,
        found: tuple[str, ...],
        missed: tuple[str, ...],
    ) -> None:
        """Words of many scripts are found, whole, and nothing that is not there."""
        await index.write([entry("a", text, language=language)], [])
        for word in found:
            assert ids(await index.search(query(word), 5)) == ["a"], word
        for word in missed:
            assert ids(await index.search(query(phrases=(word,)), 5)) == [], word

    async def test_other_languages_do_not_change_scores(self, index: LexicalIndex) -> None:
        """BM25's statistics are those of the chunks of one language."""
        await index.write([entry("a", "one long boat"), entry("b", "two very short boats")], [])
        before = await index.search(query("long boat", language="en"), 5)
        await index.write([entry("c", "sehr viele lange Boote " * 50, language="de")], [])
        assert await index.search(query("long boat", language="en"), 5) == before

    @pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
    async def test_any_text_is_survived(self, index: LexicalIndex, text: str) -> None:
        """No query and no document is too odd: nothing is raised, nothing is lost."""
        assert await index.write([entry("odd", text), entry("a", "a word", title=text)], []) == {}
        for asked in (
            query(text),
            query("word", excluded=(text,)),
            query("word", phrases=(text, "a word")),
        ):
            await index.search(asked, 5)
            await index.survey(asked, {})
            await index.matching(asked, ["a", "odd"])
        assert (await index.read([ChunkRef("odd", 0)]))[ChunkRef("odd", 0)].text == text
        assert "a" in ids(await index.search(query("word", language="en"), 5))

    async def test_a_depth_of_nothing_finds_nothing(self, index: LexicalIndex) -> None:
        """Depth 0, an empty index and a query without words are answered by empty runs."""
        assert await index.search(query("word"), 5) == []
        await index.write([entry("a", "word")], [])
        assert await index.search(query("word"), 0) == []
        assert await index.search(query(""), 5) == []
        assert await index.search(query("", excluded=("x",)), 5) == []

    async def test_ping_fails_once_closed(self, store: LexicalStore) -> None:
        """A closed store says that it does not answer."""
        await store.ping()
        await store.close()
        with pytest.raises(BackendUnavailable):
            await store.ping()

    async def test_generations_are_apart_and_dropped_alone(self, store: LexicalStore) -> None:
        """What one generation holds no other does, and dropping twice does no harm."""
        first, second = await store.open(generation("1")), await store.open(generation("2"))
        await first.write([entry("a", "word")], [])
        await second.write([entry("b", "word")], [Tombstone("c", 1)])
        await store.drop(generation("1"))
        await store.drop(generation("1"))
        await store.drop(generation("never made"))
        again = await store.open(generation("1"))
        assert await again.search(query("word"), 5) == []
        assert ids(await second.search(query("word"), 5)) == ["b"]

    async def test_orphans_are_named_and_removed(self, store: LexicalStore) -> None:
        """Only indexes of generations that nobody knows, and none that looks otherwise."""
        kept, lost = (generation(f"g000{number}-0123456789ab-abcdef") for number in (1, 2))
        for made in (kept, lost, generation("by-hand")):
            await (await store.open(made)).write([entry("a", "word")], [])
        (orphan,) = await store.orphans([kept])
        assert await store.orphans([kept, lost]) == []
        await store.remove(orphan)
        await store.remove(orphan)
        assert await store.orphans([kept]) == []
        assert len(await (await store.open(kept)).versions("", 10)) == 1
        assert len(await (await store.open(lost)).versions("", 10)) == 0
