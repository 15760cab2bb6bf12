"""Cuts one block of text into chunks of nearly equal size at the best places."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.chunking.boundaries import (
    best_cut,
    cluster_start,
    first_restart,
    skip_space,
    strip_space,
)
from indexer.chunking.tokens import TokenIndex
from services.ports.models import TokenCounter


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs blocks of one text.

    Attributes:
        limit: the most tokens of a chunk, counted on its own text.
        overlap: the most tokens that a chunk repeats of the one before.
    """

    text: str
    index: TokenIndex
    counter: TokenCounter
    limit: int
    overlap: int
    max_characters: int

    def pack(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Start and end of each chunk of the block, without white space around.

        All that is not white space is in a chunk; only neighbours overlap.
        """
        end = strip_space(self.text, start, end)
        covered = start = skip_space(self.text, start, end)
        while covered < end:
            cut = self._cut(start, covered, end)
            if cut is None:
                start = covered  # the overlap left no room for anything new
                continue
            yield start, strip_space(self.text, start, cut)
            covered = skip_space(self.text, cut, end)
            start = self._restart(start, cut) if covered < end else covered

    def _cut(self, start: int, covered: int, end: int) -> int | None:
        """Where the chunk from ``start`` ends, or None where it would add nothing new."""
        furthest = min(self.index.advance(start, self.limit), start + self.max_characters, end)
        furthest = max(furthest, start + 1)
        cut = end if furthest >= end else self._best(start, covered, furthest, end)
        while cut is not None and cut > start + 1:
            shorter = self._shorter(start, cut)
            if shorter is None:
                break
            cut = self._best(start, covered, shorter, end)
        return cut if cut is not None and cut > covered else None

    def _best(self, start: int, covered: int, furthest: int, end: int) -> int | None:
        if furthest <= covered:
            return None if start < covered else furthest
        target = self.index.advance(start, self._even_share(self.index.count(start, end)))
        target = min(max(target, start + 1), furthest)
        low = max(covered, start + (target - start) // 2)
        return best_cut(self.text, min(low, furthest - 1), furthest, target)

    def _even_share(self, tokens: int) -> int:
        """The tokens of each chunk if as few as possible, all alike, share what is left."""
        overlap = self.overlap
        chunks = max(1, math.ceil((tokens - overlap) / (self.limit - overlap)))
        return (tokens + (chunks - 1) * overlap) // chunks

    def _shorter(self, start: int, cut: int) -> int | None:
        """An end before ``cut`` that keeps the limit better, or None where ``cut`` keeps it.

        The index measures a cut word by its tokens in the whole text; alone it may have more.
        """
        stop = strip_space(self.text, start, cut)
        piece = self.text[start:stop]
        if self.counter.count(piece) <= self.limit:
            return None
        inside = start + int(self.counter.spans(piece)[self.limit][0])
        shorter = min(inside, stop - 1)
        return max(cluster_start(self.text, start + 1, shorter), start + 1)

    def _restart(self, start: int, cut: int) -> int:
        """Where the chunk after the one in [start, cut) begins."""
        after = skip_space(self.text, cut, len(self.text))
        if self.overlap == 0:
            return after
        stop = strip_space(self.text, start, cut)
        earliest = max(
            self.index.retreat(stop, self.overlap), start + 1, stop - self.max_characters // 4
        )
        restart = skip_space(self.text, first_restart(self.text, min(earliest, stop), stop), stop)
        if restart >= stop or self.counter.count(self.text[restart:stop]) > self.overlap:
            return after
        return restart
