"""Which words of a passage answer a query in other words: spans to be marked by meaning.

A word's vector is the mean of its tokens' (those of late interaction). They are made in
context and few numbers are kept of each, so single similarities are noisy; what is marked
must be near, stand out of its passage and belong to that word of the query alone. Few and
right: the limits were chosen by reading several dozen queries and their passages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.analysis.highlights import Span
from services.analysis.terms import Term, terms

MAX_SPANS = 3
NEAR = 0.62
ABOVE_PASSAGE_MEAN = 0.25

# Searched for and yet saying nothing by themselves: near any other word of their kind.
_GRAMMAR: Mapping[str, str] = {
    "en": (
        "about above across after all also among another any anything around before behind below "
        "between both can could during each either even ever every everything few first just last "
        "less like many may might more most much must need never next now off often once one only "
        "other out over own same several should since some something still take takes than thing "
        "through too two under until up upon use used using very via want while whole within "
        "without would yet"
    ),
}


@dataclass(frozen=True, slots=True)
class TokenPlaces:
    """A text's tokens.

    Attributes:
        vectors: float [tokens, dimensions].
        offsets: int [tokens, 2], start and end in code points of the text; tokens of what
            stood before the text are empty.
    """

    vectors: NDArray[np.floating]
    offsets: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Text:
    """A text's analyzed terms and its tokens."""

    terms: Sequence[Term]
    tokens: TokenPlaces


def unanswered(language: str, asked: Sequence[Term], passage: Sequence[Term]) -> frozenset[str]:
    """The terms of a query that a passage has in no form, and that mean something."""
    held = {term.text for term in passage}
    return frozenset(term.text for term in asked if term.text not in held) - _grammar(language)


def meaning_highlights(language: str, query: Text, passage: Text) -> list[Span]:
    """At most :data:`MAX_SPANS` spans of whole words, in reading order.

    A word of the passage is marked for a word of the query that the passage lacks where it
    is that word's nearest in the passage and nearer to it than to the rest of the query.
    What the query asks for literally, and words of grammar, are never among them.
    """
    wanted = unanswered(language, query.terms, passage.terms)
    asked, query_vectors = _words(query)
    held, passage_vectors = _words(passage)
    if not wanted or not held:
        return []
    nearness = query_vectors @ passage_vectors.T
    ruled_out = {term.text for term in query.terms} | _grammar(language)
    free = np.array([term.text not in ruled_out for term in held])
    found: dict[int, float] = {}
    for row, term in enumerate(asked):
        if term.text not in wanted or not free.any():
            continue
        place = int(np.where(free, nearness[row], -np.inf).argmax())
        near = float(nearness[row, place])
        stands_out = near - float(nearness[row].mean()) >= ABOVE_PASSAGE_MEAN
        if near >= NEAR and stands_out and int(nearness[:, place].argmax()) == row:
            found[place] = near
    best = sorted(found, key=lambda place: (-found[place], place))[:MAX_SPANS]
    return [(held[place].start, held[place].end) for place in sorted(best)]


def _words(text: Text) -> tuple[list[Term], NDArray[np.float32]]:
    """The terms that tokens fall on, and their unit vectors, float32 [terms, dimensions]."""
    if not text.terms:
        return [], np.empty((0, text.tokens.vectors.shape[-1]), np.float32)
    starts, ends = text.tokens.offsets[:, 0], text.tokens.offsets[:, 1]
    bounds = np.array([(term.start, term.end) for term in text.terms])
    # [terms, tokens]: a token falls on a term where the two share a character.
    falls = (starts < bounds[:, 1:]) & (ends > bounds[:, :1]) & (ends > starts)
    places = np.flatnonzero(falls.any(axis=1))
    sums = falls[places].astype(np.float32) @ text.tokens.vectors.astype(np.float32)
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
    return [text.terms[int(place)] for place in places], sums / lengths


@cache
def _grammar(language: str) -> frozenset[str]:
    return frozenset(term.text for term in terms(language, _GRAMMAR.get(language, "")))
