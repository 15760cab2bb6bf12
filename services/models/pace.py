"""How fast a model works, measured while it works."""

import math
import time

# Work of so long ago counts a third; a slow moment is forgotten about as fast.
_MEMORY_S = 0.25
_STALE_S = 0.5
_FIRST_TOKENS_PER_TEXT = 192.0


class Pace:
    """Weighted means of seconds a token, of how far they vary, and of tokens a text.

    The weight of a pass grows with its duration, so that it does not matter into how many
    passes the same work is cut.
    """

    def __init__(self, tokens_per_s: float) -> None:
        """Begin with the speed of a warm-up run."""
        self._seconds_per_token = 1 / tokens_per_s
        self._deviation = 0.0
        self._measured_s = time.monotonic()
        self.tokens_per_text = _FIRST_TOKENS_PER_TEXT

    @property
    def tokens_per_s(self) -> float:
        """The speed of late."""
        return 1 / self._seconds_per_token

    @property
    def sure_tokens_per_s(self) -> float:
        """A speed that it mostly keeps: slower by the mean deviation.

        As the retransmission timer of TCP does (RFC 6298), which is also a promise made
        from a noisy measurement.
        """
        return 1 / (self._seconds_per_token + self._deviation)

    @property
    def stale(self) -> bool:
        """Whether it was measured so long ago that it is worth a try to measure it again."""
        return time.monotonic() - self._measured_s > _STALE_S

    def record(self, tokens: int, texts: int, seconds: float) -> None:
        """Take in one model pass: its tokens (padding left out), texts and duration."""
        if seconds <= 0 or not texts:
            return
        # After a pause the first measurement is all that is known of how it is now.
        weight = 1.0 if self.stale else 1 - math.exp(-seconds / _MEMORY_S)
        self._measured_s = time.monotonic()
        error = seconds / tokens - self._seconds_per_token
        self._seconds_per_token += weight * error
        # Never more than the mean: one bad moment would else be feared for long.
        deviation = self._deviation + weight * (abs(error) - self._deviation)
        self._deviation = min(deviation, self._seconds_per_token)
        self.tokens_per_text += weight * (tokens / texts - self.tokens_per_text)
