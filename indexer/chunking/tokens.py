"""Where a text's tokens stand, tokenized once for all the cuts that are tried."""

from bisect import bisect_left

import numpy as np

from services.ports.models import TokenCounter

_PIECE_CHARACTERS = 8_192


class TokenIndex:
    """Token starts of a text, to measure any stretch of it without tokenizing again.

    The measure is exact where a stretch begins and ends between words and near elsewhere
    (a cut word has other tokens), so a final cut is counted on its own text.
    """

    def __init__(self, text: str, counter: TokenCounter) -> None:
        pieces: list[np.ndarray[tuple[int, ...], np.dtype[np.int32]]] = []
        start = 0
        while start < len(text):
            end = _piece_end(text, start)
            pieces.append(counter.spans(text[start:end])[:, 0] + np.int32(start))
            start = end
        starts = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int32)
        # Byte-level tokenizers give the pieces of one code point the same start.
        self._starts = np.maximum.accumulate(starts).astype(np.int32).data
        self._length = len(text)

    def count(self, start: int, end: int) -> int:
        """How many tokens begin in [start, end)."""
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    def advance(self, start: int, tokens: int) -> int:
        """The furthest end such that [start, end) holds at most so many token starts."""
        place = bisect_left(self._starts, start) + tokens
        return self._starts[place] if place < len(self._starts) else self._length

    def retreat(self, end: int, tokens: int) -> int:
        """The earliest start such that [start, end) holds at most so many token starts."""
        place = bisect_left(self._starts, end) - tokens
        return self._starts[place] if 0 <= place < len(self._starts) else max(0, min(place, 0))


def _piece_end(text: str, start: int) -> int:
    """A place to part the text for the tokenizer, whose cost grows faster than its input."""
    end = start + _PIECE_CHARACTERS
    if end >= len(text):
        return len(text)
    for mark in ("\n", " "):
        found = text.rfind(mark, start + 1, end)
        if found > start:
            return found
    return end
