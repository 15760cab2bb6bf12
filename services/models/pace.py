"""How fast a model works, measured while it works."""

_WEIGHT_OF_THE_NEWEST = 0.2
_FIRST_TOKENS_PER_TEXT = 192.0


class Pace:
    """Exponentially weighted means of tokens a second and of tokens a text."""

    def __init__(self, tokens_per_s: float) -> None:
        """Begin with the speed of a warm-up run."""
        self.tokens_per_s = tokens_per_s
        self.tokens_per_text = _FIRST_TOKENS_PER_TEXT

    def record(self, tokens: int, texts: int, seconds: float) -> None:
        """Take in one model pass: its tokens (padding left out), texts and duration."""
        if seconds <= 0 or not texts:
            return
        self.tokens_per_s += _WEIGHT_OF_THE_NEWEST * (tokens / seconds - self.tokens_per_s)
        self.tokens_per_text += _WEIGHT_OF_THE_NEWEST * (tokens / texts - self.tokens_per_text)
