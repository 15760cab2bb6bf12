"""Analyzed terms as text that OpenSearch takes apart again, position by position.

Terms are joined by spaces, a space for each step of position. Terms of one position (a
character and the bigram that begins with it) are joined by ``|``; a position without a
term, where a stop word stood, is ``_``. No term holds either sign: terms are letters,
marks and digits.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from services.analysis.terms import Term, query_terms, terms
from services.opensearch.client import Json

ANALYZER = "winnow_terms"

_GAP = "_"
_TOGETHER = "|"

ANALYSIS: Json = {
    "tokenizer": {"winnow_positions": {"type": "whitespace", "max_token_length": 4_096}},
    "filter": {
        "winnow_gaps": {"type": "stop", "stopwords": [_GAP]},
        "winnow_together": {
            "type": "pattern_capture",
            "preserve_original": False,
            "patterns": ["([^|]+)"],
        },
    },
    "analyzer": {
        ANALYZER: {
            "type": "custom",
            "tokenizer": "winnow_positions",
            "filter": ["winnow_gaps", "winnow_together"],
        }
    },
}
"""Reads :func:`joined` text: positions, gaps, and terms that share a position."""

MAX_QUERY_TERMS = 1_024
"""Distinct terms of one query that are looked for: the first ones count."""

MAX_PHRASE_TERMS = 64
"""Terms of one phrase that are judged: the first ones."""


def indexed_words(language: str, parts: Iterable[str]) -> list[str]:
    """Texts as a row's words; no phrase reaches from one into the next."""
    texts = (joined(terms(language, part)) for part in parts)
    return [text for text in texts if text]


def joined(found: Sequence[Term]) -> str:
    """Terms in reading order as one text, from the position of the first."""
    pieces: list[str] = []
    due = found[0].position if found else 0
    for position, together in groupby(found, lambda term: term.position):
        pieces.extend([_GAP] * (position - due))
        pieces.append(_TOGETHER.join(term.text for term in together))
        due = position + 1
    return " ".join(pieces)


def counted_terms(language: str, text: str, limit: int) -> dict[str, int]:
    """A query's distinct terms, the first ones, with how often each stands in it."""
    counts: dict[str, int] = {}
    for term in query_terms(language, text):
        if term.text in counts or len(counts) < limit:
            counts[term.text] = counts.get(term.text, 0) + 1
    return counts


def phrase_terms(language: str, phrases: Iterable[str]) -> list[list[Term]]:
    """The terms of each phrase that has any: stop words alone cannot be judged."""
    compiled = (query_terms(language, phrase)[:MAX_PHRASE_TERMS] for phrase in phrases)
    return [found for found in compiled if found]
