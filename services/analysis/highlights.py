"""Which words of a passage answer a query: spans to be marked, computed alike on every stack."""

from collections.abc import Sequence

from services.analysis.terms import Term

Span = tuple[int, int]
"""Start and end in code points of the passage's text."""


def word_highlights(
    query_terms: Sequence[Term],
    passage_terms: Sequence[Term],
    phrases: Sequence[Sequence[Term]] = (),
) -> list[Span]:
    """The spans of a passage's words that a query asks for, in reading order.

    Neighbouring words that match become one span, and so do the overlapping bigrams of
    scripts without spaces.

    Args:
        query_terms: the query's terms (``query_terms`` of the passage's language).
        passage_terms: the passage's terms (``terms`` of its language).
        phrases: the terms of each quoted part, in order: their words are marked only
            where the whole phrase stands, unless they are among ``query_terms`` too.
    """
    wanted = {term.text for term in query_terms}
    marked = {place for place, term in enumerate(passage_terms) if term.text in wanted}
    for phrase in phrases:
        marked |= _phrase_places(phrase, passage_terms)
    return _merged([passage_terms[place] for place in sorted(marked)])


def _phrase_places(phrase: Sequence[Term], passage_terms: Sequence[Term]) -> set[int]:
    """The places of terms in the passage where all of a phrase stands, gaps as in the phrase."""
    if not phrase:
        return set()
    by_position: dict[tuple[int, str], int] = {
        (term.position, term.text): place for place, term in enumerate(passage_terms)
    }
    offsets = [(term.position - phrase[0].position, term.text) for term in phrase]
    found: set[int] = set()
    for term in passage_terms:
        if term.text == phrase[0].text:
            places = [by_position.get((term.position + gap, text)) for gap, text in offsets]
            found.update(place for place in places if place is not None and None not in places)
    return found


def _merged(found: Sequence[Term]) -> list[Span]:
    """Spans of terms, joined where they overlap or where one character parts two words."""
    spans: list[Span] = []
    for term in sorted(found, key=lambda term: (term.start, term.end)):
        if spans and term.start <= spans[-1][1] + 1:
            spans[-1] = spans[-1][0], max(spans[-1][1], term.end)
        else:
            spans.append((term.start, term.end))
    return spans
