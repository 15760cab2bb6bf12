"""Token counters without a model, each with one trait of real tokenizers."""

import re

import numpy as np
from numpy.typing import NDArray


class _Counter:
    def count(self, text: str) -> int:
        return len(self.spans(text))

    def spans(self, text: str) -> NDArray[np.int32]:
        found = self.tokens(text)
        return np.array(found, dtype=np.int32).reshape(-1, 2)

    def tokens(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


class WordCounter(_Counter):
    """A token a word or mark."""

    def tokens(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


class PieceCounter(_Counter):
    """As WordPiece: words in pieces, and a word that is too long is one unknown token.

    Cutting such a word makes it known: its parts have more tokens than the whole.
    """

    longest_word = 20
    piece = 3

    def tokens(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for match in re.finditer(r"\w+|[^\w\s]", text):
            start, end = match.span()
            if end - start > self.longest_word:
                found.append((start, end))
            else:
                found += [(at, min(at + self.piece, end)) for at in range(start, end, self.piece)]
        return found


class ByteCounter(_Counter):
    """As byte-level BPE at its worst: every byte is a token, white space too."""

    def tokens(self, text: str) -> list[tuple[int, int]]:
        return [(at, at + 1) for at, mark in enumerate(text) for _ in mark.encode()]
