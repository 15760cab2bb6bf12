"""Bigrams for scripts written without spaces, in pure Python.

A unit is a character with the combining marks that follow it, so that Thai vowel signs
stay with their consonant. Overlapping pairs of units retrieve Chinese, Japanese and
Korean about as well as a dictionary does (Luk and Kwok, A comparison of Chinese document
indexing strategies and retrieval models, ACM TALIP 2002) and need none.
"""

import re
import unicodedata

from services.analysis.table import UNSPACED_SCRIPTS

_UNSPACED = re.compile(f"[{UNSPACED_SCRIPTS}]")
_PARTS = re.compile(f"[{UNSPACED_SCRIPTS}]+|[^{UNSPACED_SCRIPTS}]+")

Piece = tuple[int, int, int]
"""Start, end and the number of positions from the word's first piece."""


def is_unspaced(text: str) -> bool:
    """Whether any character belongs to a script written without spaces."""
    return _UNSPACED.search(text) is not None


def pieces(word: str, *, singles: bool) -> tuple[list[Piece], int]:
    """Cut a word at changes between spaced and unspaced scripts, and unspaced runs into bigrams.

    Args:
        word: one run of letters, marks and digits.
        singles: add every unit alone as well, so that a query of one character finds it;
            without, only a run of a single unit yields that unit.

    Returns:
        the pieces in the order of their positions, a unit before its bigram, and the
        number of positions that the word takes.
    """
    found: list[Piece] = []
    position = 0
    for part in _PARTS.finditer(word):
        if not is_unspaced(part.group()):
            found.append((part.start(), part.end(), position))
            position += 1
            continue
        edges = _edges(word, part.start(), part.end())
        units = len(edges) - 1
        for unit in range(units):
            if singles or units == 1:
                found.append((edges[unit], edges[unit + 1], position + unit))
            if unit + 1 < units:
                found.append((edges[unit], edges[unit + 2], position + unit))
        position += units
    return found, position


def _edges(word: str, start: int, end: int) -> list[int]:
    """Where the units of a run begin, and its end."""
    inner = (
        place
        for place in range(start + 1, end)
        if not unicodedata.category(word[place]).startswith("M")
    )
    return [start, *inner, end]
