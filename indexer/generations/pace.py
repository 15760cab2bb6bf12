"""How fast a build goes, and how much it may do."""

import time
from dataclasses import dataclass, field, replace

from indexer.pipeline import Written
from services.generations import Generation, Speed


@dataclass(slots=True)
class Pace:
    """What one process did of one build since it last told the ledger.

    Attributes:
        documents, chunks, seconds: not told yet; rests are no work and are not counted.
        rest_until_s: the monotonic time before which no more is done.
    """

    documents: int = 0
    chunks: int = 0
    seconds: float = 0.0
    rest_until_s: float = 0.0
    _begun_s: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """Work begins, or goes on after a rest."""
        self._begun_s = time.monotonic()

    def add(self, written: Written, speed: Speed) -> None:
        """Count a batch, and owe the rest that the speed asks for."""
        now_s = time.monotonic()
        worked_s = now_s - self._begun_s
        documents = written.documents + len(written.dead_letters)
        self.documents += documents
        self.chunks += written.chunks
        self.seconds += worked_s
        rest_s = worked_s * (1 / speed.share - 1)
        if speed.documents_per_s:
            rest_s = max(rest_s, documents / speed.documents_per_s - worked_s)
        self.rest_until_s = now_s + rest_s
        self._begun_s = now_s

    def rest_s(self) -> float:
        """Seconds of rest that are still owed."""
        return max(0.0, self.rest_until_s - time.monotonic())

    def take(self) -> "Told":
        """What is to be told, which from now on counts as told."""
        told = Told(self.documents, self.chunks, self.seconds)
        self.documents = self.chunks = 0
        self.seconds = 0.0
        return told


@dataclass(frozen=True, slots=True)
class Told:
    """Progress on its way to the ledger."""

    documents: int
    chunks: int
    seconds: float

    def added_to(self, generation: Generation) -> Generation:
        """The generation with this progress in it; whatever an operator changed stays."""
        build = generation.build
        done = replace(
            build,
            documents=build.documents + self.documents,
            chunks=build.chunks + self.chunks,
            seconds=build.seconds + self.seconds,
        )
        return replace(generation, build=done)
