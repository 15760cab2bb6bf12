"""Load: throughput and answer times by callers at once, and how overload is turned away."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from evaluation.benchmarks.callers import Caller, Reply
from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.searching import COLLECTION
from evaluation.benchmarks.server_stack import running_stack
from evaluation.benchmarks.texts import queries
from evaluation.measures import percentile_ms
from evaluation.stores import OnProgress
from services.settings import Settings

CALLERS = (1, 2, 4, 8, 16, 32)
# More than are let in at once: what is measured of them is how soon they are told.
OVERLOADING = 128

_SECONDS = 6.0
_QUERIES = 2_000
_OK = 200
_REFUSED = frozenset({429, 503})
_REFUSED_MOST_MS = 100.0
# A caller who was refused comes back much sooner than it was told to.
_IMPATIENCE_S = 0.5


@dataclass(slots=True)
class Burst:
    """What so many callers at once met with, each asking again when it is answered."""

    callers: int
    seconds: float
    answered_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    degraded: int = 0
    failed: int = 0

    def take(self, reply: Reply) -> bool:
        """Count a reply; whether it is an answer."""
        if reply.status in _REFUSED:
            self.refused_s.append(reply.seconds)
        elif reply.status != _OK:
            self.failed += 1
        else:
            self.answered_s.append(reply.seconds)
            self.degraded += bool(reply.content["degraded"])
        return reply.status == _OK

    def figures(self) -> list[Figure]:
        """Throughput, answer times and refusals."""
        name = f"{self.callers} at once"
        return [
            Figure(f"{name}: answers", len(self.answered_s) / self.seconds, "1/s"),
            *_percentiles(f"{name}: answer", self.answered_s),
            Figure(f"{name}: answers that were degraded", float(self.degraded), "answers"),
            Figure(f"{name}: refused", len(self.refused_s) / self.seconds, "1/s"),
            Figure(f"{name}: failed", float(self.failed), "requests", at_most=0),
        ]

    def shed(self) -> list[Figure]:
        """How soon those learn it who are turned away."""
        return _percentiles(
            f"{self.callers} at once: told to come back", self.refused_s, _REFUSED_MOST_MS
        )


def _percentiles(name: str, seconds: Sequence[float], most_ms: float | None = None) -> list[Figure]:
    """Median and 95th percentile, where there is anything to tell of."""
    return [
        Figure(
            f"{name}, p{percent}",
            percentile_ms(seconds, percent),
            "ms",
            at_most=most_ms,
            enforced=False,
        )
        for percent in (50, 95)
        if seconds
    ]


def load(settings: Settings, chunks: int, progress: OnProgress) -> list[Figure]:
    """Start the server stack with the settings' own budget and deadline, and press."""
    own = {
        "WINNOW_BUDGET_MS": str(settings.budget_ms),
        "WINNOW_DEADLINE_MS": str(settings.deadline_ms),
        # Every caller's question is new: what is measured is searching.
        "WINNOW_CACHE_TTL_S": "0",
    }
    with running_stack(settings, chunks, progress, **own) as client:
        return asyncio.run(load_figures(str(client.base_url), progress))


async def load_figures(
    url: str, progress: OnProgress, callers: tuple[int, ...] = CALLERS, seconds: float = _SECONDS
) -> list[Figure]:
    """Bursts of so many seconds each, then one of too many callers."""
    figures = []
    texts = chain.from_iterable(queries(_QUERIES, seed=seed) for seed in range(1_000))
    await burst(url, 1, seconds, texts)  # warms it up
    for count in callers:
        progress(f"{count} at once", 0, 0)
        figures += (await burst(url, count, seconds, texts)).figures()
    progress(f"{OVERLOADING} at once", 0, 0)
    flood = await burst(url, OVERLOADING, seconds, texts)
    return [*figures, *flood.figures(), *flood.shed()]


async def burst(url: str, callers: int, seconds: float, texts: Iterator[str]) -> Burst:
    """Have so many callers ask for so long; what has begun by then is waited for."""
    found = Burst(callers, seconds)
    until_s = time.monotonic() + seconds

    async def call() -> None:
        async with Caller(url) as caller:
            while time.monotonic() < until_s:
                reply = await caller.search(COLLECTION, next(texts))
                if not found.take(reply):
                    await asyncio.sleep(_IMPATIENCE_S)

    await asyncio.gather(*(call() for _ in range(callers)))
    return found
