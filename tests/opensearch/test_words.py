"""Terms as they are sent to OpenSearch, which needs no server to be checked."""

import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from services.analysis.table import ANALYZERS
from services.analysis.terms import terms
from services.opensearch.lexical.words import indexed_words

WORDS = (
    "the Running",
    "Häuser",
    "l'État",
    "ёлка",
    "İstanbul ILIK",
    "自転車の手入れ",
    "한국어",
    "ไทยง่าย",
)


def placed(text: str) -> list[tuple[int, str]]:
    """What the engine's analyzer reads from a row's words."""
    return [
        (position, term)
        for position, together in enumerate(text.split(" "))
        if together != "_"
        for term in together.split("|")
    ]


@given(
    st.sampled_from(sorted(ANALYZERS)),
    st.lists(st.sampled_from(WORDS) | st.text(max_size=12), max_size=6).map(" ".join),
)
@settings(max_examples=200, deadline=None)
def test_rows_hold_the_terms_at_their_positions(language: str, text: str) -> None:
    """Every term of the analyzers, bigrams beside their characters, gaps where stop words stood."""
    expected = [(term.position, term.text) for term in terms(language, text)]
    (written,) = indexed_words(language, [text]) or [""]
    assert (placed(written) if written else []) == expected


def test_no_term_holds_a_sign_of_ours() -> None:
    """Over every letter, mark and digit of Unicode, folded or not: no space, no ``|``, no ``_``."""
    letters = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character)[0] in "LMN"
    ]
    for language in ("en", "vi", "zh"):
        for term in terms(language, " ".join(letters)):
            assert not {"|", "_"} & set(term.text), term
            assert len(term.text.split()) == 1, term


def test_threads_may_analyze_side_by_side() -> None:
    """Writes of several collections do."""
    texts = [f"running foxes {number} über die Häuser" for number in range(2_000)]
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(indexed_words, "en", texts) for _ in range(8)]
        assert all(run.result() == indexed_words("en", texts) for run in runs)
