"""How busy a cross-encoder is, and what a budget buys there."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """A batcher's speed and queue at one moment.

    Attributes:
        tokens_per_s: the speed measured of late; tokens_per_text the texts' length.
        queued_tokens: what waits to be scored, of so many requests.
    """

    tokens_per_s: float
    tokens_per_text: float
    queued_tokens: float
    requests: int

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        """How many passages the budget pays for.

        A request that comes in either waits until what is queued is scored, or shares
        the model evenly with those that are there: whichever leaves it more.

        Args:
            budget_s: time until the scores are wanted.
            tokens: the pairs' lengths, most promising first; else those seen of late.
        """
        room = max(
            self.tokens_per_s * budget_s - self.queued_tokens,
            self.tokens_per_s * budget_s / (1 + self.requests),
        )
        if tokens is None:
            return max(0, int(room / self.tokens_per_text))
        count = 0
        for length in tokens:
            room -= length
            if room < 0:
                break
            count += 1
        return count
