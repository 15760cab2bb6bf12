"""Where a text may be cut, from the best kind of place to the worst."""

import re
import unicodedata

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
# A sentence's end needs white space in scripts that write it, none in those that do not.
# A dot after a single letter is an initial or an abbreviation (J. Smith, e.g. this).
_SENTENCE_END = r"""(?:(?<!\b\w)[.]|[!?…؟۔])["'”’»)\]]*"""
_SENTENCE_LINE = re.compile(rf"(?:{_SENTENCE_END}|[。！？．।॥])[^\S\n]*\n\s*")
_SENTENCE = re.compile(rf"{_SENTENCE_END}\s+(?![a-zß-öø-ÿ])|[。！？．][」』”’）】]*\s*|[।॥።။។]+\s*")
_LINE = re.compile(r"\n\s*")
_CLAUSE = re.compile(r"[,;:—–]\s+|[，、；：،؛]\s*")
_WORD = re.compile(r"\s+")

# Sentences come before lines: in hard-wrapped text a line's end means nothing, and in
# lists, tables and code, where it does, there are no sentences.
_KINDS = (_PARAGRAPH, _SENTENCE_LINE, _SENTENCE, _LINE, _CLAUSE, _WORD)
_RESTARTS = (_SENTENCE, _LINE, _CLAUSE, _WORD)

_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CLUSTER = 16


def best_cut(text: str, low: int, high: int, target: int) -> int:
    """The best place in (low, high] to end a chunk: of the best kind, nearest the target."""
    for kind in _KINDS:
        cuts = [match.end() for match in kind.finditer(text, low, high)]
        if cuts:
            return min(cuts, key=lambda cut: abs(cut - target))
    return cluster_start(text, low + 1, high)


def first_restart(text: str, low: int, high: int) -> int:
    """The place in [low, high) where an overlap best begins: of the best kind, the first."""
    for kind in _RESTARTS:
        # From a little before, so that ``low`` itself may be found to begin a sentence.
        for match in kind.finditer(text, max(0, low - _LONGEST_CLUSTER), high):
            if low <= match.end() < high:
                return match.end()
    return cluster_start(text, low, low)


def cluster_start(text: str, low: int, position: int) -> int:
    """The position, moved back (not below ``low``) to where a visible character begins.

    Covers combining marks, variation selectors and joined emoji; a full UAX #29 grapheme
    segmentation would cost a library for cuts that only endless words need.
    """
    for place in range(position, max(low, position - _LONGEST_CLUSTER) - 1, -1):
        if place >= len(text) or place == 0 or not _continues(text, place):
            return place
    return position


def _continues(text: str, place: int) -> bool:
    mark = text[place]
    if mark.isascii():
        return False
    return (
        mark == _ZERO_WIDTH_JOINER
        or text[place - 1] == _ZERO_WIDTH_JOINER
        or unicodedata.category(mark).startswith("M")
        or "\U0001f3fb" <= mark <= "\U0001f3ff"
    )


def skip_space(text: str, start: int, end: int) -> int:
    """The first place in [start, end) that is not white space, or ``end``."""
    while start < end and text[start].isspace():
        start += 1
    return start


def strip_space(text: str, start: int, end: int) -> int:
    """The end of [start, end) without the white space at its end."""
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
