"""A rerank request on its way through the batcher."""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from services.ports.models import Passage, RerankRequest


@dataclass(slots=True, eq=False)
class Ticket:
    """One request's state.

    ``lengths`` and ``taken`` are the batcher's own; the rest changes under its lock.

    Attributes:
        lengths: tokens of each pair, None until they are counted.
        taken: how many pairs, from the first, were handed to the model.
        finished: settled when nothing more will be scored.
        left: nobody waits any longer.
    """

    request: RerankRequest
    scores: list[float | None]
    truncated: list[bool]
    finished: "Future[None]" = field(default_factory=Future)
    arrived_s: float = field(default_factory=time.monotonic)
    lengths: Sequence[int] | None = None
    taken: int = 0
    open_pairs: int = 0
    scored_tokens: int = 0
    left: bool = False
    queue_s: float | None = None
    compute_s: float = 0.0

    @classmethod
    def of(cls, request: RerankRequest) -> "Ticket":
        """A request that has just come."""
        count = len(request.passages)
        return cls(request, [None] * count, [False] * count, open_pairs=count)

    @property
    def over(self) -> bool:
        """Whether scoring more of it would be in vain."""
        return self.left or self.finished.done() or self.remaining_s <= 0

    @property
    def remaining_s(self) -> float:
        """Time until nobody waits any longer; below zero when it has passed."""
        return self.request.deadline_s - time.monotonic()

    def pair(self, place: int) -> tuple[str, Passage]:
        """The query and the passage at a place."""
        return self.request.query, self.request.passages[place]

    def pairs(self) -> list[tuple[str, Passage]]:
        """The query with every passage."""
        return [self.pair(place) for place in range(len(self.request.passages))]

    def waiting(self) -> Sequence[int]:
        """Tokens of the pairs that the model has not been handed yet."""
        return (self.lengths or ())[self.taken :]

    def finish(self, error: Exception | None = None) -> None:
        """Let the caller go on: with what there is, or with an error."""
        if self.finished.done():
            return
        if error is None or self.left:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)
