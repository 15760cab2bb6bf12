"""The cross-encoder behind an event loop: one thread, batches shared by all requests.

Modelled on text-embeddings-inference's queue: take whatever waits (no timer), drop what
nobody waits for, bound a batch by tokens.
"""

import asyncio
import math
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from services.errors import BackendUnavailable, Overloaded
from services.metrics import RERANK_PAIRS, RERANK_QUEUE_SECONDS
from services.models.batching import longest_first, plan_batches, take_in_order
from services.models.load import Crowd, Load
from services.models.pace import Pace
from services.models.tickets import Ticket
from services.ports.models import (
    CrossEncoder,
    ModelCard,
    Passage,
    RerankRequest,
    RerankResult,
)
from services.process import process_name

MAX_WAITING_PAIRS = 4_096

# A request that comes in waits for one round; a deadline wastes one pass at most. Both are
# shorter where less time is left, a share of it, but not so short that a GPU idles.
_ROUND_S = 0.12
_PASS_S = 0.04
_SHORTEST_S = 0.01
_SHARE_OF_TIME_LEFT = 0.25

# A pass has a price of its own, most of all where other threads compute: a few passages are
# scored in hardly more time than one, and a speed measured on single ones would shrink windows
# to single ones.
_SMALLEST_PASS_TOKENS = 512

_WARM_UP_PAIRS = [("what is this about", Passage("a few words of a passage, " * 18))] * 4

_Place = tuple[Ticket, int]


class InProcessReranker:
    """Implements Reranker over a cross-encoder in this process."""

    def __init__(
        self, cross_encoder: CrossEncoder, *, max_waiting_pairs: int = MAX_WAITING_PAIRS
    ) -> None:
        """Runs the model twice, to warm it up and for a first estimate of its speed."""
        self._model = cross_encoder
        self._max_waiting_pairs = max_waiting_pairs
        self._pace = Pace(_warm_up(cross_encoder))
        self._crowd = Crowd()
        self._worker = process_name()
        self._tickets: list[Ticket] = []
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="winnow-reranker", daemon=True)
        self._thread.start()

    @property
    def card(self) -> ModelCard:
        """Which model scores."""
        return self._model.card

    @property
    def worker(self) -> str:
        """The process that scores: "host:pid"."""
        return self._worker

    @property
    def tokens_per_s(self) -> float:
        """The speed measured of late."""
        return self._pace.tokens_per_s

    @property
    def load(self) -> Load:
        """Speed and queue as they stand now."""
        return self._load_before(math.inf)

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        """How many passages the budget pays for at the speed and load measured of late."""
        return self._load_before(time.monotonic() + budget_s).affordable(budget_s, tokens)

    async def rerank(self, request: RerankRequest) -> RerankResult:
        """Score until the deadline; returns by then with what it has.

        Raises:
            Overloaded: too many pairs wait already.
            BackendUnavailable: the model failed, or the reranker is closed.
        """
        ticket = Ticket.of(request)
        if not request.passages:
            return self._result(ticket)
        self._take_in(ticket)
        try:
            finished = asyncio.wrap_future(ticket.finished)
            await asyncio.wait({finished}, timeout=ticket.remaining_s)
            if finished.done():
                finished.result()
            return self._result(ticket)
        finally:
            self._leave(ticket)

    def rerank_blocking(self, request: RerankRequest) -> RerankResult:
        """As :meth:`rerank`, from a thread that has no event loop and may wait."""
        ticket = Ticket.of(request)
        if not request.passages:
            return self._result(ticket)
        self._take_in(ticket)
        try:
            with suppress(TimeoutError):
                ticket.finished.result(max(0.0, ticket.remaining_s))
            return self._result(ticket)
        finally:
            self._leave(ticket)

    async def ping(self) -> None:
        """Raise BackendUnavailable where the batcher has ended."""
        if self._closed or not self._thread.is_alive():
            raise BackendUnavailable("The reranker is closed.")

    async def close(self) -> None:
        """Finish the pass that runs, refuse the rest, and end the thread."""
        with self._change:
            self._closed = True
            for ticket in self._tickets:
                ticket.finish(BackendUnavailable("The reranker is closed."))
            self._change.notify()
        await asyncio.to_thread(self._thread.join)

    def _take_in(self, ticket: Ticket) -> None:
        with self._change:
            if self._closed:
                raise BackendUnavailable("The reranker is closed.")
            waiting = sum(other.open_pairs for other in self._tickets)
            if self._tickets and waiting + ticket.open_pairs > self._max_waiting_pairs:
                raise Overloaded(
                    f"{waiting} passages wait to be reranked: ask again in a moment.",
                    retry_after_s=1,
                )
            self._tickets.append(ticket)
            self._tickets.sort(key=lambda each: each.request.deadline_s)
            self._crowd.meet(sum(not each.over for each in self._tickets))
            self._change.notify()

    def _load_before(self, deadline_s: float) -> Load:
        """The load of those who are served before a newcomer with this deadline."""
        with self._change:
            ahead = [each for each in self._tickets if each.request.deadline_s <= deadline_s]
            waiting = [each for each in ahead if not each.over]
            return Load(
                tokens_per_s=self._pace.sure_tokens_per_s,
                tokens_per_text=self._pace.tokens_per_text,
                queued_tokens=sum(self._tokens_left(ticket) for ticket in waiting),
                requests=self._crowd.size(1 + len(waiting)),
                stale=self._pace.stale,
            )

    def _leave(self, ticket: Ticket) -> None:
        with self._change:
            ticket.left = True

    def _tokens_left(self, ticket: Ticket) -> float:
        if ticket.lengths is None:
            return ticket.open_pairs * self._pace.tokens_per_text
        return float(sum(ticket.lengths) - ticket.scored_tokens)

    def _result(self, ticket: Ticket) -> RerankResult:
        with self._change:
            waited_s = time.monotonic() - ticket.arrived_s
            RERANK_PAIRS.inc(sum(score is not None for score in ticket.scores))
            RERANK_QUEUE_SECONDS.observe(waited_s if ticket.queue_s is None else ticket.queue_s)
            return RerankResult(
                scores=tuple(ticket.scores),
                truncated=tuple(ticket.truncated),
                model=self._model.card,
                worker=self._worker,
                compute_ms=ticket.compute_s * 1_000,
                queue_ms=(waited_s if ticket.queue_s is None else ticket.queue_s) * 1_000,
            )

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._tickets)
                if self._closed:
                    return
                self._drop_over()
                tickets = list(self._tickets)
            try:
                self._round(tickets)
            except Exception as error:  # noqa: BLE001  # the batcher outlives its batches
                self._fail(tickets, error)

    def _drop_over(self) -> None:
        for ticket in self._tickets:
            if ticket.over:
                ticket.finish()
        self._tickets = [ticket for ticket in self._tickets if not ticket.finished.done()]

    def _fail(self, tickets: Sequence[Ticket], error: Exception) -> None:
        with self._change:
            for ticket in tickets:
                ticket.finish(BackendUnavailable(f"The cross-encoder failed: {error}"))

    def _round(self, tickets: Sequence[Ticket]) -> None:
        """Take pairs, the most urgent request's first, and score them in passes of like length."""
        for ticket in tickets:
            if ticket.lengths is None:
                self._count(ticket)
        round_s = _round_s(tickets)
        speed = self._pace.tokens_per_s
        places: list[_Place] = []
        round_tokens = max(_SMALLEST_PASS_TOKENS, int(speed * round_s))
        counts = take_in_order([ticket.waiting() for ticket in tickets], round_tokens)
        for ticket, count in zip(tickets, counts, strict=True):
            places.extend((ticket, ticket.taken + offset) for offset in range(count))
            ticket.taken += count
        lengths = [(ticket.lengths or ())[place] for ticket, place in places]
        pass_tokens = max(_SMALLEST_PASS_TOKENS, int(speed * min(_PASS_S, round_s)))
        batches = plan_batches(lengths, pass_tokens)
        for batch in longest_first(batches, lengths):
            self._pass([places[index] for index in batch])

    def _count(self, ticket: Ticket) -> None:
        """Cut a request's texts into tokens: the first part of what the model does."""
        started_s = time.monotonic()
        ticket.lengths = self._model.count_tokens(ticket.pairs()).tolist()
        ticket.compute_s = time.monotonic() - started_s

    def _pass(self, places: Sequence[_Place]) -> None:
        """One run of the model over the pairs that somebody still waits for."""
        places = [(ticket, place) for ticket, place in places if not ticket.over]
        if not places:
            return
        started_s = time.monotonic()
        scores = self._model.score([ticket.pair(place) for ticket, place in places])
        elapsed_s = time.monotonic() - started_s
        tokens = sum((ticket.lengths or ())[place] for ticket, place in places)
        self._pace.record(tokens, len(places), elapsed_s)
        with self._change:
            for ticket in {ticket for ticket, _ in places}:
                if ticket.queue_s is None:
                    ticket.queue_s = started_s - ticket.arrived_s - ticket.compute_s
                ticket.compute_s += elapsed_s
            for row, (ticket, place) in enumerate(places):
                logit = float(scores.logits[row])
                ticket.scores[place] = logit if math.isfinite(logit) else None
                ticket.truncated[place] = bool(scores.truncated[row])
                ticket.open_pairs -= 1
                ticket.scored_tokens += (ticket.lengths or ())[place]
                if ticket.open_pairs == 0:
                    ticket.finish()


def _round_s(tickets: Sequence[Ticket]) -> float:
    """How long a round may take that every request with waiting pairs can spare."""
    shortest_s = min((each.remaining_s for each in tickets if each.waiting()), default=0.0)
    return min(_ROUND_S, max(_SHORTEST_S, _SHARE_OF_TIME_LEFT * shortest_s))


def _warm_up(model: CrossEncoder) -> float:
    """Tokens a second of a second run: the first also sets the model up."""
    model.score(_WARM_UP_PAIRS)
    tokens = int(model.count_tokens(_WARM_UP_PAIRS).sum())
    started_s = time.monotonic()
    model.score(_WARM_UP_PAIRS)
    return tokens / max(time.monotonic() - started_s, 1e-6)
