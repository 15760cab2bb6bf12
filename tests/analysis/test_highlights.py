"""Which words of a passage are marked."""

from hypothesis import given
from hypothesis import strategies as st

from services.analysis.highlights import word_highlights
from services.analysis.terms import query_terms, terms


def marked(language: str, query: str, passage: str, *phrases: str) -> list[str]:
    """The marked parts of the passage."""
    spans = word_highlights(
        query_terms(language, query),
        terms(language, passage),
        [query_terms(language, phrase) for phrase in phrases],
    )
    return [passage[start:end] for start, end in spans]


def test_words_are_marked_in_every_form_and_neighbours_joined() -> None:
    """Inflected forms count, words beside each other make one span, stop words none."""
    passage = "The quick Foxes jump. A fox, the quickest of all, is quick."
    assert marked("en", "quick fox", passage) == ["quick Foxes", "fox", "quick"]


def test_phrases_are_marked_only_where_they_stand() -> None:
    """A phrase's words alone are not marked; stop words inside it are bridged."""
    passage = "a river bank, the bank of the river"
    assert marked("en", "", passage, "bank of the river") == ["bank", "river"]
    assert marked("en", "", "bank, river", "bank of the river") == []
    assert marked("en", "", passage, "the of") == []


def test_scripts_without_spaces_are_marked_by_bigrams() -> None:
    """Overlapping bigrams become one span, and single characters of a long query none."""
    assert marked("zh", "编程语言", "一种编程语言，语法") == ["编程语言"]
    assert marked("ja", "猫", "白い猫が好き") == ["猫"]


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_spans_are_apart_and_in_order(query: str, passage: str, phrase: str) -> None:
    """Spans never overlap or touch and lie inside the passage, whatever the texts."""
    spans = word_highlights(
        query_terms("en", query), terms("en", passage), [query_terms("en", phrase)]
    )
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= len(passage) for edge in edges)
