"""Marked text and excerpts."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from search_api.answer import Highlight
from search_api.ui.excerpts import Segment, excerpt, segments

_spans = st.lists(
    st.builds(
        Highlight,
        start=st.integers(-40, 400),
        end=st.integers(-40, 400),
        kind=st.sampled_from(["word", "meaning"]),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=100), _spans)
def test_segments_join_to_the_text(text: str, spans: list[Highlight]) -> None:
    """Whatever the highlights, no character is lost, added or moved."""
    parts = segments(text, spans)
    assert "".join(part.text for part in parts) == text
    assert all(part.text for part in parts)
    assert all(one.kind != two.kind for one, two in pairwise(parts))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab 麦🌾\n", min_size=0, max_size=400), _spans)
def test_excerpts_are_short_and_taken_from_the_text(text: str, spans: list[Highlight]) -> None:
    """An excerpt is a stretch of the text between ellipses, near its limit."""
    shown = excerpt(text, spans, limit=100)
    joined = "".join(part.text for part in shown.segments)
    assert len(joined) <= 104
    assert joined.removeprefix("… ").removesuffix(" …") in text
    assert shown.cut == (len(text) > 100)


def test_a_word_stands_out_of_a_meaning() -> None:
    """Where both kinds overlap the word is shown, and the meaning goes on around it."""
    spans = [Highlight(start=0, end=9, kind="meaning"), Highlight(start=3, end=6, kind="word")]
    assert segments("abcdefghi", spans) == (
        Segment("abc", "meaning"),
        Segment("def", "word"),
        Segment("ghi", "meaning"),
    )


def test_highlights_before_the_text_change_nothing() -> None:
    """An excerpt's start makes the offsets of what lies before it negative."""
    spans = [
        Highlight(start=-9, end=-5, kind="word"),
        Highlight(start=-2, end=2, kind="word"),
    ]
    assert segments("abcdef", spans) == (Segment("ab", "word"), Segment("cdef"))


def test_offsets_count_code_points() -> None:
    """An emoji is one, as everywhere in Winnow."""
    parts = segments("🌾🌾 wheat", [Highlight(start=3, end=8, kind="word")])
    assert parts[-1] == Segment("wheat", "word")


def test_the_excerpt_is_where_most_different_words_are() -> None:
    """One word again and again is worth less than two words together."""
    text = "grain " * 60 + "filler " * 60 + "grain and chaff " + "filler " * 60
    spans = [
        Highlight(start=start, end=start + len(word), kind="word")
        for word in ("grain", "chaff")
        for start in range(len(text))
        if text.startswith(word, start)
    ]
    marked = [part.text for part in excerpt(text, spans).segments if part.kind]
    assert {"grain", "chaff"} == set(marked)
