"""How far a verification or a reconciliation has come, for whoever waits for it."""

import time
from collections.abc import Callable
from enum import StrEnum

from indexer.outcomes import Progress


class Stage(StrEnum):
    """What is being done."""

    COMPARING = "comparing"
    INDEXING = "indexing"


OnStage = Callable[[Stage, Progress], None]
"""Hears of each stage when it begins, and then as it goes on."""


def silent(stage: Stage, progress: Progress) -> None:
    """Nobody waits."""


class Headway:
    """Adds up the live documents that walks over several generations have compared.

    Tombstones and phantoms are compared too. They are left out here, since nobody knows
    beforehand how many there are.
    """

    def __init__(self, on_stage: OnStage) -> None:
        self._on_stage = on_stage
        self._started_s = time.monotonic()
        self._documents = 0
        self._total = 0

    def expect(self, documents: int) -> None:
        """So many more are to be compared."""
        self._total += documents
        self.add(0)

    def add(self, documents: int) -> None:
        """So many more were compared."""
        self._documents += documents
        # What is written meanwhile comes on top.
        self._total = max(self._total, self._documents)
        elapsed_s = time.monotonic() - self._started_s
        self._on_stage(Stage.COMPARING, Progress(self._documents, self._total, 0, elapsed_s))
