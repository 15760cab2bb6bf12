"""How busy a cross-encoder is, and what a budget buys there."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

# What is promised of a budget; the rest is for what no measurement foresees.
_PROMISED_SHARE = 0.9

# A crowd that has left counts a third as much after this time.
_CROWD_MEMORY_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """A batcher's speed and queue at one moment.

    Attributes:
        tokens_per_s: a speed that it mostly keeps; tokens_per_text: the texts' length.
        queued_tokens: what waits to be scored before a newcomer.
        requests: how many share the model, a newcomer included, as of late.
        stale: the speed was measured some time ago.
    """

    tokens_per_s: float
    tokens_per_text: float
    queued_tokens: float
    requests: float
    stale: bool = False

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        """How many passages the budget pays for.

        What was promised to those who wait already is left alone; of what remains a
        newcomer takes the even share of as many as came together of late, so that the first
        of a crowd leaves something for the others. Where nobody waits, and the speed has not
        been measured for a while, one passage is tried in any case: else the speed of a bad
        moment would be believed for ever.

        Args:
            budget_s: time until the scores are wanted.
            tokens: the pairs' lengths, most promising first; else those seen of late.
        """
        whole = _PROMISED_SHARE * self.tokens_per_s * budget_s
        free = self._fitting(whole - self.queued_tokens, tokens)
        fair = self._fitting(whole / max(1.0, self.requests), tokens)
        tried = int(budget_s > 0 and self.stale and not self.queued_tokens)
        return max(min(free, max(1, fair)), tried)

    def _fitting(self, room: float, tokens: Sequence[int] | None) -> int:
        if tokens is None:
            return max(0, int(room / self.tokens_per_text))
        count = 0
        for length in tokens:
            room -= length
            if room < 0:
                break
            count += 1
        return count


class Crowd:
    """How many requests come together: the most of late, fading."""

    def __init__(self) -> None:
        self._most = 0.0
        self._at_s = 0.0

    def size(self, present: int) -> float:
        """As it is felt now, with so many present."""
        faded = self._most * math.exp((self._at_s - time.monotonic()) / _CROWD_MEMORY_S)
        return max(float(present), faded)

    def meet(self, present: int) -> None:
        """Note that so many are present now."""
        self._most, self._at_s = self.size(present), time.monotonic()
