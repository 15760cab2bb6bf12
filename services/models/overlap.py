"""A cross-encoder without weights: how many of the query's words a passage holds.

For tests and smoke runs. It ranks by word overlap alone, and its card says so.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.models.hashing import WordCounter
from services.ports.models import ModelCard, Passage, Scores

OVERLAP = "overlap"
MAX_TOKENS = 512

_SPECIAL_TOKENS = 3


class OverlapCrossEncoder:
    """Logits that grow with the share of query words found, shorter passages first."""

    def __init__(self, languages: frozenset[str] = frozenset()) -> None:
        self.card = ModelCard(
            name=OVERLAP,
            revision="1",
            runtime="numpy",
            device="cpu",
            precision="fp32",
            max_tokens=MAX_TOKENS,
            languages=languages,
        )
        self._counter = WordCounter()

    def count_tokens(self, pairs: Sequence[tuple[str, Passage]]) -> NDArray[np.int32]:
        """Input length of each pair in words, cut at ``card.max_tokens``."""
        return np.array([min(self._length(pair), MAX_TOKENS) for pair in pairs], np.int32)

    def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
        """Logits of one batch of pairs."""
        logits = [self._logit(query, passage) for query, passage in pairs]
        cut = [self._length(pair) > MAX_TOKENS for pair in pairs]
        return Scores(np.array(logits, np.float32), np.array(cut, np.bool_))

    def _length(self, pair: tuple[str, Passage]) -> int:
        query, passage = pair
        return _SPECIAL_TOKENS + self._counter.count(query) + self._counter.count(_text(passage))

    def _words(self, text: str) -> list[str]:
        folded = text.casefold()
        spans = self._counter.spans(folded)[:MAX_TOKENS]
        return [folded[start:end] for start, end in spans]

    def _logit(self, query: str, passage: Passage) -> float:
        """Log-odds of the share of query words, less a little for each passage word."""
        wanted = set(self._words(query))
        words = self._words(_text(passage))
        share = (len(wanted & set(words)) + 0.5) / (len(wanted) + 1)
        return math.log(share / (1 - share)) - 0.001 * len(words)


def _text(passage: Passage) -> str:
    return "\n".join((passage.title, *passage.heading_path, passage.text))
