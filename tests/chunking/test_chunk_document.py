"""What every chunking keeps, on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.chunking import chunk_document
from services.documents import Chunk, Document, Heading
from services.generations import ChunkerConfiguration
from tests.chunking.counters import ByteCounter, PieceCounter, WordCounter

WORDS = st.sampled_from(
    [
        *("a", "word", "sentence.", "Is", "it?", "e.g.", "Ünïcode", "x" * 50, "-"),
        *("\n", "\n\n", "  ", "\t", "\r\n", "\u200b"),
        *("。", "漢字", "かな。", "हिंदी।", "ไทย ไทย", "عربي؟", "👩\u200d👩\u200d👧", "e\u0301"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=300), st.lists(WORDS, max_size=150).map(" ".join), st.lists(WORDS).map("".join)
)
COUNTERS = st.sampled_from([WordCounter(), PieceCounter(), ByteCounter()])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)
    places = st.integers(0, max(0, len(text) - 1))
    headings = draw(
        st.lists(st.tuples(places, st.integers(1, 6)), max_size=8, unique_by=lambda h: h[0])
    )
    outline = tuple(
        Heading(start, level, text[start : start + 9].strip() or "H")
        for start, level in sorted(headings)
    )
    return Document("id", text, title=draw(st.text(max_size=40)), outline=outline)


@given(documents(), COUNTERS, st.integers(8, 80), st.integers(0, 30), st.integers(20, 400))
@settings(max_examples=150, deadline=None)
def test_chunks_cover_the_text_and_keep_every_limit(
    document: Document, counter: WordCounter, max_tokens: int, overlap: int, characters: int
) -> None:
    """Exact offsets, all text covered, no limit broken, on any Unicode and any outline."""
    configuration = ChunkerConfiguration(max_tokens, overlap, characters)
    chunks = chunk_document(document, counter, configuration)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    if not document.text.strip():
        assert [chunk.text for chunk in chunks] == ([""] if document.title.strip() else [])
        return
    covered = 0
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.text
        assert chunk.text == chunk.text.strip()
        assert counter.count(chunk.text) <= max_tokens
        assert len(chunk.text) <= characters
        assert not document.text[covered : chunk.start].strip()
        assert chunk.end > covered, "every chunk adds something new"
        if chunk.start < covered:
            assert counter.count(document.text[chunk.start : covered]) <= overlap
        covered = chunk.end
    assert not document.text[covered:].strip()


@st.composite
def sectioned(draw: st.DrawFn) -> Document:
    """A document of headings on lines of their own, each with any text under it."""
    bodies = st.lists(WORDS, max_size=40).map(" ".join)
    text, outline = draw(bodies) + "\n", []
    for number, level in enumerate(draw(st.lists(st.integers(1, 4), max_size=8))):
        outline.append(Heading(len(text), level, f"H{number}"))
        text += f"H{number}\n{draw(bodies)}\n"
    return Document("id", text, outline=tuple(outline))


def path_at(document: Document, place: int) -> tuple[str, ...]:
    """The headings over a place, read off the outline one by one."""
    open_headings: list[Heading] = []
    for heading in document.outline:
        if heading.start <= place:
            open_headings = [h for h in open_headings if h.level < heading.level] + [heading]
    return tuple(heading.text for heading in open_headings)


@given(sectioned(), COUNTERS)
@settings(max_examples=100, deadline=None)
def test_heading_paths_follow_the_outline(document: Document, counter: WordCounter) -> None:
    """A chunk of one section has its path; a joined one the part of it that all share."""
    for chunk in chunk_document(document, counter, ChunkerConfiguration(24, 4)):
        path = chunk.heading_path
        assert path_at(document, chunk.end - 1)[: len(path)] == path
        if not any(chunk.start < heading.start < chunk.end for heading in document.outline):
            assert path == path_at(document, chunk.start)


@given(TEXTS, COUNTERS)
@settings(max_examples=50, deadline=None)
def test_chunking_is_a_function_of_its_input(text: str, counter: WordCounter) -> None:
    """The same document gives the same chunks, so an unchanged one is not embedded again."""
    document, configuration = Document("id", text), ChunkerConfiguration(20, 5)
    assert chunk_document(document, counter, configuration) == chunk_document(
        document, counter, configuration
    )


def chunks_of(
    text: str, *outline: Heading, tokens: int = 20, overlap: int = 0, title: str = ""
) -> tuple[Chunk, ...]:
    document = Document("id", text, title=title, outline=outline)
    return chunk_document(document, WordCounter(), ChunkerConfiguration(tokens, overlap))


def outlined(text: str) -> tuple[str, tuple[Heading, ...]]:
    """Lines that begin with "#" are headings, kept in the text without their marks."""
    shown, outline = "", []
    for line in text.splitlines():
        bare = line.lstrip("#")
        if bare != line:
            outline.append(Heading(len(shown), len(line) - len(bare), bare.strip()))
        shown += bare.strip() + "\n"
    return shown, tuple(outline)


def test_a_title_without_text_is_one_empty_chunk() -> None:
    """A document of a title alone can be found by it."""
    assert chunks_of("", title="Only a title") == (Chunk("id", 0, 0, 0, ""),)
    assert chunks_of(" \n ") == ()


def test_a_document_that_fits_is_one_chunk() -> None:
    """A short text is not cut, and the path of its only top heading is kept."""
    text, outline = outlined("# Guide\nShort.\n## Part\nMore words.")
    (chunk,) = chunks_of(text, *outline)
    assert chunk.text == text.strip()
    assert chunk.heading_path == ("Guide",)


def test_sections_that_fit_stay_whole() -> None:
    """Long sections are not joined, and none is cut that fits."""
    text, outline = outlined("# One\n" + "a " * 12 + "\n# Two\n" + "b " * 12)
    assert [(chunk.heading_path, chunk.text.split()[0]) for chunk in chunks_of(text, *outline)] == [
        (("One",), "One"),
        (("Two",), "Two"),
    ]


def test_tiny_neighbours_under_one_parent_are_joined() -> None:
    """Sections of a few words share a chunk, under the heading that they share."""
    text, outline = outlined("# Top\n" + "a " * 18 + "\n## One\nx\n## Two\ny\n## Three\nz")
    first, second = chunks_of(text, *outline)
    assert first.heading_path == ("Top",)
    assert second.text.split() == ["One", "x", "Two", "y", "Three", "z"]
    assert second.heading_path == ("Top",)


def test_a_heading_alone_opens_the_section_under_it() -> None:
    """A heading without text of its own is no chunk of its own."""
    text, outline = outlined("# Top\n## Part\n" + "a " * 50 + "\n## Other\n" + "b " * 15)
    chunks = chunks_of(text, *outline)
    assert chunks[0].text.startswith("Top\nPart")
    assert chunks[0].heading_path == ("Top", "Part")
    assert chunks[-1].heading_path == ("Top", "Other")


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("One two three four five.\n\nSix seven. Eight nine ten.", ["One", "Six"]),
        ("One two three four five six. Seven eight nine ten.", ["One", "Seven"]),
        ("One two three\nfour five six. Seven eight\nnine ten", ["One", "Seven"]),
        ("alpha beta gamma delta\nepsilon zeta eta theta iota", ["alpha", "epsilon"]),
        ("He met J. Smith, e.g. at noon. They talked about it.", ["He", "They"]),
        ("漢 字 仮 名 文 章。次 の 文 章 で す。", ["漢", "次"]),
        ("यह एक वाक्य है।यह दूसरा वाक्य है।", ["यह", "यह"]),
    ],
)
def test_a_cut_takes_the_best_place(text: str, starts: list[str]) -> None:
    """Paragraphs before sentences before lines; initials and abbreviations end nothing."""
    chunks = chunks_of(text, tokens=max(8, WordCounter().count(text) * 3 // 4))
    assert [chunk.text[: len(start)] for chunk, start in zip(chunks, starts, strict=True)] == starts


def test_pieces_of_a_long_section_are_of_nearly_one_size() -> None:
    """The last chunk is not a crumb."""
    sizes = [WordCounter().count(chunk.text) for chunk in chunks_of("word " * 105, tokens=50)]
    assert sizes == [35, 35, 35]


def test_overlap_repeats_whole_sentences_where_they_fit() -> None:
    """A chunk begins with the last sentence of the one before."""
    text = "One two three four five six. Seven eight nine. Ten eleven twelve thirteen fourteen."
    first, second = chunks_of(text, tokens=12, overlap=5)
    assert first.text.endswith("nine.")
    assert second.text.startswith("Seven eight nine. Ten")


def test_sections_do_not_overlap() -> None:
    """Overlap never carries text across a heading."""
    text, outline = outlined("# One\n" + "a. " * 15 + "\n# Two\n" + "b. " * 15)
    chunks = chunks_of(text, *outline, tokens=20, overlap=8)
    for chunk in chunks:
        assert not {"a", "b"} <= set(chunk.text.replace(".", " ").split())


def test_room_is_left_for_title_and_heading_path() -> None:
    """The text's limit is what title and headings leave of the model's input."""
    document = Document("id", "word " * 200, title="t", outline=(Heading(0, 1, "H"),))
    chunks = chunk_document(
        document,
        WordCounter(),
        ChunkerConfiguration(40, 0),
        overhead=lambda title, path: 5 * len(title) + 5 * len(path),
    )
    assert max(WordCounter().count(chunk.text) for chunk in chunks) == 29
    assert all(WordCounter().count(chunk.text) <= 30 for chunk in chunks)


def test_a_visible_character_is_not_cut() -> None:
    """Combining marks and joined emoji stay together in an endless word."""
    family = "👩\u200d👩\u200d👧"
    for mark in (family, "e\u0301", "👍🏽"):
        document = Document("id", mark * 40)
        for chunk in chunk_document(document, ByteCounter(), ChunkerConfiguration(64, 0)):
            assert chunk.text.replace(mark, "") == ""


def test_a_megabyte_of_any_shape_is_cut_in_time() -> None:
    """No shape of text makes the cutting quadratic."""
    for text in ("word " * 200_000, "x" * 1_000_000, "\n" * 1_000_000 + "x", "a.\n\n" * 250_000):
        chunks = chunk_document(Document("id", text), WordCounter(), ChunkerConfiguration(254, 32))
        assert chunks[-1].end == len(text.rstrip())
