"""What a benchmark reports, and how two sides are timed fairly."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        baseline: the same of what it is compared with, None where it stands alone.
        at_least, at_most: what the ratio (or, without a baseline, the value) is held to.
        enforced: whether a miss fails the command.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    enforced: bool = True

    @property
    def ratio(self) -> float | None:
        """Value over baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def held(self) -> float:
        """The number that the limits speak of."""
        return self.value if self.ratio is None else self.ratio

    @property
    def met(self) -> bool:
        """Whether it is within its limits."""
        above = self.at_least is None or self.held >= self.at_least
        return above and (self.at_most is None or self.held <= self.at_most)

    def to_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "baseline": None if self.baseline is None else round(self.baseline, 4),
            "ratio": None if self.ratio is None else round(self.ratio, 4),
        }


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """How long one call takes in seconds, and what it returns."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def median_ms(durations_s: Sequence[float]) -> float:
    """The median of durations, in milliseconds."""
    return statistics.median(durations_s) * 1_000
