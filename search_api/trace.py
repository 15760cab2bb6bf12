"""Measures the stages of one search."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from search_api.answer import Stage


class Trace:
    """Collects stages in the order of their ends."""

    def __init__(self) -> None:
        self.started_s = time.perf_counter()
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage; set ``candidates`` on what it yields. Failed stages are kept too."""
        entry = Stage(name=name, ms=0.0, candidates=0)
        started_s = time.perf_counter()
        try:
            yield entry
        finally:
            entry.ms = round((time.perf_counter() - started_s) * 1_000, 3)
            self.stages.append(entry)

    def took_ms(self) -> float:
        """Milliseconds since the search began."""
        return round((time.perf_counter() - self.started_s) * 1_000, 3)
