import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.words import parse_words
from services.queries import Words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("plain words", Words("plain words")),
        ('say "exact words" now', Words("say exact words now", ("exact words",))),
        ("tea -coffee", Words("tea", (), ("coffee",))),
        ('tea -"iced coffee"', Words("tea", (), ("iced coffee",))),
        ("e-mail up-to-date", Words("e-mail up-to-date")),
        ("-coffee", Words("", (), ("coffee",))),
        ("“curly quotes”", Words("curly quotes", ("curly quotes",))),
        ('an unclosed "quotation', Words("an unclosed quotation")),
        ('"" - -- "  "', Words("")),
        ("  \t\n ", Words("")),
        ("a\x00b", Words("a b")),
        ("***", Words("")),
        ("🦜 c++", Words("🦜 c++")),
        ("\ud800lone", Words("lone")),
    ],
)
def test_queries_as_people_type_them(query: str, expected: Words) -> None:
    """Quotes must stand, a leading minus excludes, everything else is words."""
    assert parse_words(query) == expected


@given(st.text())
def test_every_string_is_a_query(query: str) -> None:
    """Nothing raises, and no part is empty or holds a control character."""
    words = parse_words(query)
    for part in (*words.phrases, *words.excluded):
        assert part
        assert "\x00" not in part
    assert all(phrase in words.text for phrase in words.phrases)
