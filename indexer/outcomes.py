"""What writing and indexing report."""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.errors import WinnowError
from services.ports.ledger import DeadLetter


@dataclass(frozen=True, slots=True)
class Removal:
    """A document to be deleted, among drafts to be stored."""

    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write.

    Attributes:
        version: the document's version after it, 0 where it was refused.
        changed: False where the content was stored already, or nothing was there to delete.
        refused: why it was refused, "" where it was taken.
        error: the refusal's slug, as problem answers name it.
        removal: whether it was a deletion.
        cause: the refusal itself, to be raised where one document is all there is.
    """

    id: str
    version: int
    changed: bool
    refused: str = ""
    error: str = ""
    removal: bool = False
    cause: WinnowError | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far indexing has come.

    Attributes:
        documents: records done (deletions too); total: those and the ones still waiting.
        chunks: chunks written so far.
        seconds: since the work began.
    """

    documents: int
    total: int
    chunks: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """Time left at the rate so far, None before anything is done."""
        if not self.documents:
            return None
        return self.seconds / self.documents * (self.total - self.documents)


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class IndexingReport:
    """What one call indexed.

    Attributes:
        documents: records written to the engines, deletions included.
        chunks: their chunks.
        dead_letters: documents that cannot be indexed as they are, with the reason.
    """

    documents: int
    chunks: int
    dead_letters: tuple[DeadLetter, ...]
    seconds: float
