"""Analyzed terms with their places."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analysis.segmenter import is_unspaced, pieces
from services.analysis.table import ANALYZERS, MAX_WORD_BYTES
from services.analysis.terms import (
    build_analyzer,
    engine_text,
    query_terms,
    term_weights,
    terms,
)

LANGUAGES = st.sampled_from(sorted(ANALYZERS))
SAMPLES = (
    "The foxes' naïve Häuser straße ÉTÉ İstanbul IŞIK ёлка Ёж कुछ स्थिति Việt 3.14 a_b don’t "
    "e\u0301te\u0301 ﬁre x\u0301 คำ 猫が 서울 LINEアプリ 💥 \ud800 \x00 ½ ٣ ΣΟΦΟΣ"
)
WORDS = st.sampled_from(SAMPLES.split(" "))
TEXTS = st.lists(WORDS | st.text(max_size=8), max_size=12).map(" ".join)


def words(language: str, text: str) -> list[str]:
    """The texts of the terms."""
    return [term.text for term in terms(language, text)]


@given(LANGUAGES, TEXTS)
@settings(max_examples=300, deadline=None)
def test_spans_hold_the_words_that_the_terms_come_from(language: str, text: str) -> None:
    """A span lies in the text, in reading order, and analyzed alone yields its term again."""
    found = terms(language, text)
    assert [(term.start, term.position) for term in found] == sorted(
        (term.start, term.position) for term in found
    )
    for term in found:
        assert 0 <= term.start < term.end <= len(text)
        assert term.text in words(language, text[term.start : term.end])
    assert {term.text for term in query_terms(language, text)} <= {term.text for term in found}


@given(LANGUAGES, TEXTS)
@settings(max_examples=300, deadline=None)
def test_the_engine_reads_the_same_terms(language: str, text: str) -> None:
    """Where the engine may analyze a text itself it comes to the same terms and positions."""
    given_to_engine = engine_text(language, text)
    if given_to_engine is None:
        return
    assert len(given_to_engine) == len(text)
    analyzed = build_analyzer(ANALYZERS[language]).pre_tokenize(given_to_engine).tokens
    assert [
        (token.text, token.char_offset_from, token.char_offset_to, token.position)
        for token in analyzed
    ] == [(term.text, term.start, term.end, term.position) for term in terms(language, text)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The king's foxes, naïve os.path snake_case", "king fox naiv os path snake case"),
        ("en", "e\u0301clair éclair", "eclair eclair"),
        ("de", "Die Häuser, Straßen", "haus strass"),
        ("fr", "l'été des élèves", "ete elev"),
        ("tr", "IŞIK İstanbul", "isik istanbul"),
        ("ru", "Ёлка ёлки", "елк елк"),
        ("hi", "भारत की स्थिति", "भारत स्थिति"),
        ("vi", "Việt Nam", "việt nam"),
        ("ar", "الكُتَّاب الكتاب", "كتاب كتاب"),
        ("zh", "用Python编程", "用 python 编 编程 程"),
        ("en", "東京 tower", "東 東京 京 tower"),
        ("th", "ง่าย", "ง่ ง่า า าย ย"),
        ("und", "The Foxes", "the foxes"),
        ("xx", "Über", "uber"),
    ],
)
def test_examples_of_every_rule(language: str, text: str, expected: str) -> None:
    """Case, stop words, stems, folding, marks, bigrams."""
    assert " ".join(words(language, text)) == expected


def test_queries_take_bigrams_and_single_characters_only_alone() -> None:
    """A single character is a term of a query only where it stands alone."""
    assert [term.text for term in query_terms("ja", "猫 東京都")] == ["猫", "東京", "京都"]


def test_positions_agree_between_query_and_text() -> None:
    """A phrase's terms stand as far apart in the query as in the text."""
    text = "我们用Python编程 the end"
    indexed = {(term.text, term.position) for term in terms("zh", text)}
    assert {(term.text, term.position) for term in query_terms("zh", text)} <= indexed
    assert [term.position for term in terms("en", "bank of the river")] == [0, 3]


def test_endless_words_are_left_out() -> None:
    """No term is longer than the table allows, and its place stays counted."""
    found = terms("en", "x" * (MAX_WORD_BYTES + 1) + " y " + "z" * MAX_WORD_BYTES)
    assert [(len(term.text), term.position) for term in found] == [(1, 1), (MAX_WORD_BYTES, 2)]


@given(st.text(st.sampled_from("猫が서ไ่aé9\u3099"), min_size=1, max_size=10), st.booleans())
def test_pieces_cover_the_word(word: str, singles: bool) -> None:
    """Every character of a word lies in a piece, and positions count on without gaps."""
    found, width = pieces(word, singles=singles)
    covered = {place for start, end, _ in found for place in range(start, end)}
    assert covered == set(range(len(word)))
    positions = [position for _, _, position in found]
    assert positions == sorted(positions)
    assert positions[0] == 0
    assert positions[-1] < width
    assert is_unspaced(word) or found == [(0, len(word), 0)]
    assert bool(re.search("[猫が서ไ่\u3099]", word)) == is_unspaced(word)


def test_repetition_counts_by_its_root_and_late_terms_not_at_all() -> None:
    """The limit is one of distinct terms; a repetition of one that is held still counts."""
    text = "boat lake boats shore boat the boat"
    assert term_weights("en", text, 2) == {"boat": 2.0, "lake": 1.0}
    assert term_weights("en", "the of", 9) == {}
