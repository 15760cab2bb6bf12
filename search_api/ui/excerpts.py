"""Cuts passages into marked and unmarked text, and to the part that matched."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from search_api.answer import Highlight

EXCERPT_CHARACTERS = 320
_LEAD = 60
_WEIGHTS = {"word": 2, "meaning": 1}


@dataclass(frozen=True, slots=True)
class Segment:
    """Text of one kind: "" for plain, "word" or "meaning" for what matched."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a passage that is shown first; ``cut`` where that is not all of it."""

    segments: tuple[Segment, ...]
    cut: bool


def segments(text: str, highlights: Sequence[Highlight]) -> tuple[Segment, ...]:
    """Split a text at its highlights; a word inside a meaning stays a word.

    Highlights may overlap, be out of order or lie outside the text: offsets are code points.
    """
    kinds = [""] * len(text)
    for kind in ("meaning", "word"):
        for span in highlights:
            if span.kind == kind:
                start = max(0, span.start)
                end = max(start, min(len(text), span.end))
                kinds[start:end] = [kind] * (end - start)
    parts = []
    position = 0
    for kind, run in groupby(kinds):
        end = position + len(list(run))
        parts.append(Segment(text[position:end], kind))
        position = end
    return tuple(parts)


def excerpt(text: str, highlights: Sequence[Highlight], limit: int = EXCERPT_CHARACTERS) -> Excerpt:
    """The stretch of at most about ``limit`` characters with the most different matches."""
    if len(text) <= limit:
        return Excerpt(segments(text, highlights), cut=False)
    start = _best_start(text, highlights, limit)
    end = _word_end(text, start + limit)
    moved = [
        Highlight(start=span.start - start, end=span.end - start, kind=span.kind)
        for span in highlights
    ]
    parts = list(segments(text[start:end].rstrip(), moved))
    if start:
        parts.insert(0, Segment("… "))
    if end < len(text):
        parts.append(Segment(" …"))
    return Excerpt(tuple(parts), cut=True)


def _best_start(text: str, highlights: Sequence[Highlight], limit: int) -> int:
    """The earliest start from which the most distinct matches fit."""
    best, best_worth = 0, 0
    for anchor in (0, *sorted({span.start for span in highlights})):
        start = _word_start(text, anchor - _LEAD)
        inside = [each for each in highlights if start <= each.start and each.end <= start + limit]
        distinct = {text[span.start : span.end].casefold(): span.kind for span in inside}
        # Different words say more than a repeated one, which only breaks ties.
        worth = 1_000 * sum(_WEIGHTS[kind] for kind in distinct.values()) + len(inside)
        if worth > best_worth:
            best, best_worth = start, worth
    return best


def _word_start(text: str, position: int) -> int:
    if position <= _LEAD:
        return 0
    for start in range(position, position + _LEAD):
        if start < len(text) and text[start - 1].isspace():
            return start
    return position


def _word_end(text: str, position: int) -> int:
    if position >= len(text):
        return len(text)
    for end in range(position, position - _LEAD, -1):
        if text[end].isspace():
            return end
    return position
