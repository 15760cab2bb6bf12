"""Analyzed terms as text that OpenSearch takes apart again, position by position.

Terms are joined by spaces, a space for each step of position. Terms of one position (a
character and the bigram that begins with it) are joined by ``|``; a position without a
term, where a stop word stood, is ``_``. No term holds either sign: terms are letters,
marks and digits.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from tantivy import TextAnalyzer

from services.analysis.table import ANALYZERS, analyzer_of
from services.analysis.terms import Term, build_analyzer, engine_text, query_terms, terms
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
"""Reads a row's words: positions, gaps, and terms that share a position."""

MAX_QUERY_TERMS = 1_024
"""Distinct terms of one query that are looked for: the first ones count."""

MAX_PHRASE_TERMS = 64
"""Terms of one phrase that are judged: the first ones."""


def indexed_words(language: str, parts: Iterable[str]) -> list[str]:
    """Texts as a row's words; no phrase reaches from one into the next."""
    texts = (_written(_placed(language, part)) for part in parts if part)
    return [text for text in texts if text]


def phrase(found: Sequence[Term]) -> str:
    """A phrase's terms as one text, from the position of the first."""
    first = found[0].position
    return _written((term.position - first, term.text) for term in found)


def _placed(language: str, text: str) -> Iterator[tuple[int, str]]:
    """A text's terms with their positions, by the quicker of the two ways that agree."""
    ready = engine_text(language, text)
    if ready is None:
        return ((term.position, term.text) for term in terms(language, text))
    tokens = _analyzer(language).pre_tokenize(ready).tokens
    return ((token.position, token.text) for token in tokens)


def _written(placed: Iterable[tuple[int, str]]) -> str:
    pieces: list[str] = []
    last = -1
    for position, text in placed:
        if position == last:
            pieces[-1] = f"{pieces[-1]}{_TOGETHER}{text}"
            continue
        if position > last + 1:
            pieces.extend([_GAP] * (position - last - 1))
        pieces.append(text)
        last = position
    return " ".join(pieces)


@lru_cache(maxsize=len(ANALYZERS))
def _analyzer(language: str) -> TextAnalyzer:
    return build_analyzer(analyzer_of(language))


def phrase_terms(language: str, phrases: Iterable[str]) -> list[list[Term]]:
    """The terms of each phrase that has any: stop words alone cannot be judged."""
    compiled = (query_terms(language, phrase)[:MAX_PHRASE_TERMS] for phrase in phrases)
    return [found for found in compiled if found]
