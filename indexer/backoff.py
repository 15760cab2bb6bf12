"""When a collection is tried again: after a failure, or while another process indexes it."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.errors import WinnowError

FIRST_BACKOFF_S = 0.5
# What is repaired is noticed within ten seconds, jitter included.
LONGEST_BACKOFF_S = 6.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a collection is not being indexed, and when it is tried again (monotonic time)."""

    error: WinnowError
    attempts: int
    retry_at_s: float


class Backoff:
    """What stands in the way of each collection, and until when.

    Failures wait longer each time (truncated exponential backoff with jitter); a deferral
    waits for as long as it is told to.
    """

    def __init__(self, deferral_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._deferral_s = deferral_s
        self._now_s = now_s
        self._failures: dict[str, Failure] = {}
        self._deferred: dict[str, float] = {}

    def failure(self, collection: str) -> Failure | None:
        """Why the collection stands still, None where it does not."""
        return self._failures.get(collection)

    def deferred(self, collection: str) -> bool:
        """Whether the last round left the collection to others, or for a moment later."""
        return collection in self._deferred

    def until_s(self, collection: str) -> float:
        """When a collection is tried again, in monotonic time; long past where at once."""
        failure = self._failures.get(collection)
        return max(failure.retry_at_s if failure else 0.0, self._deferred.get(collection, 0.0))

    def over(self, collection: str) -> bool:
        """Whether the collection may be tried now."""
        return self.until_s(collection) <= self._now_s()

    def fail(self, collection: str, error: WinnowError) -> None:
        """Keep the error and wait longer each time; say it once for each reason."""
        before = self._failures.get(collection)
        attempts = before.attempts + 1 if before else 1
        if before is None or before.error.detail != error.detail:
            _log.warning("Documents of '%s' wait to be indexed: %s", collection, error.detail)
        pause_s = min(FIRST_BACKOFF_S * 2 ** min(attempts - 1, 10), LONGEST_BACKOFF_S)
        # Jitter, so that several processes do not come back at once.
        retry_at_s = self._now_s() + pause_s * random.uniform(0.8, 1.2)  # noqa: S311
        self._failures[collection] = Failure(error, attempts, retry_at_s)

    def defer(self, collection: str) -> None:
        """Leave the collection alone for the time of a deferral."""
        self._deferred[collection] = self._now_s() + self._deferral_s

    def tried(self, collection: str) -> None:
        """A round begins: whether it is deferred again is for it to say."""
        self._deferred.pop(collection, None)

    def succeeded(self, collection: str) -> None:
        """A batch went through: the next failure is a first one."""
        self._failures.pop(collection, None)

    def forget(self, collection: str) -> None:
        """Nothing stands in the way of what is deleted."""
        self.tried(collection)
        self.succeeded(collection)
