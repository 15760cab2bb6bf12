"""What the routes of verification, repair, dead letters and backups take and answer."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from indexer.consistency.comparing import Discrepancy, Engine, Kind
from indexer.consistency.restoring import Restored
from indexer.consistency.service import Reconciled
from indexer.verification import LISTED, Discrepancies
from services.generations import Generation, GenerationState
from services.ports.audit import AuditEntry
from services.ports.ledger import DeadLetter


class DiscrepancyAnswer(BaseModel):
    """A document of which an engine holds other than the ledger says."""

    id: str
    engine: Engine
    kind: Kind
    version: int = Field(description="the ledger's; 0: it does not know the document")
    found: int = Field(description="the newest that has left a trace in the engine; 0: none")
    detail: str

    @classmethod
    def of(cls, found: Discrepancy) -> "DiscrepancyAnswer":
        """The answer for one."""
        return cls(
            id=found.document_id,
            engine=found.engine,
            kind=found.kind,
            version=found.version,
            found=found.found,
            detail=found.detail,
        )


class CountAnswer(BaseModel):
    """How many discrepancies of a kind an engine has."""

    engine: Engine
    kind: Kind
    count: int


class VerificationAnswer(BaseModel):
    """One generation compared with the ledger."""

    generation: str
    state: GenerationState
    documents: int = Field(description="compared, deletions and phantoms included")
    pending: int = Field(description="of these, on their way and not judged")
    refused: int = Field(description="of these, dead letters and not judged")
    total: int = Field(description="discrepancies")
    counts: list[CountAnswer]
    discrepancies: list[DiscrepancyAnswer] = Field(description=f"the first {LISTED:,} by id")

    @classmethod
    def of(cls, found: Discrepancies) -> "VerificationAnswer":
        """The answer for a comparison."""
        counts = sorted(found.counts.items())
        return cls(
            generation=found.generation.id,
            state=found.generation.state,
            documents=found.documents,
            pending=found.pending,
            refused=found.refused,
            total=found.total,
            counts=[
                CountAnswer(engine=engine, kind=kind, count=count)
                for (engine, kind), count in counts
            ],
            discrepancies=[DiscrepancyAnswer.of(each) for each in found.listed],
        )


class VerificationsAnswer(BaseModel):
    """Every generation of a collection compared, oldest first."""

    collection: str
    clean: bool
    generations: list[VerificationAnswer]

    @classmethod
    def of(cls, collection: str, found: Sequence[Discrepancies]) -> "VerificationsAnswer":
        """The answer for comparisons."""
        return cls(
            collection=collection,
            clean=not any(each.total for each in found),
            generations=[VerificationAnswer.of(each) for each in found],
        )


class ReconciledAnswer(BaseModel):
    """What was repaired."""

    collection: str
    clean: bool = Field(description="whether the last look found nothing")
    found: dict[str, int] = Field(description="discrepancies by generation, over all looks")
    unmarked: int = Field(description="documents that were to be indexed again as they are")
    superseded: int = Field(description="documents that took a higher version")
    waiting: str = Field(description="why repairs are not in the engines yet; empty: they are")

    @classmethod
    def of(cls, collection: str, done: Reconciled) -> "ReconciledAnswer":
        """The answer for a reconciliation."""
        return cls(
            collection=collection,
            clean=done.clean,
            found=dict(done.repairs.found),
            unmarked=done.repairs.unmarked,
            superseded=done.repairs.superseded,
            waiting=done.waiting,
        )


class DeadLetterAnswer(BaseModel):
    """A version of a document that could not be indexed."""

    id: str
    version: int
    reason: str
    at: datetime


class DeadLettersAnswer(BaseModel):
    """What could not be indexed into a generation, by document id."""

    collection: str
    generation: str
    dead_letters: list[DeadLetterAnswer]

    @classmethod
    def of(cls, generation: Generation, letters: Sequence[DeadLetter]) -> "DeadLettersAnswer":
        """The answer for a list."""
        return cls(
            collection=generation.collection,
            generation=generation.id,
            dead_letters=[
                DeadLetterAnswer(
                    id=each.document_id, version=each.version, reason=each.reason, at=each.at
                )
                for each in letters
            ],
        )


class DeadLettersBody(BaseModel):
    """Which dead letters; all of them without ``ids``."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] | None = None


class TakenAnswer(BaseModel):
    """How many dead letters were taken off the list."""

    count: int


class RestoredAnswer(BaseModel):
    """What became of a backup's content."""

    collections: list[str]
    records: int = Field(description="read from the backup")
    stored: int = Field(description="of these, newer than what the ledger held")

    @classmethod
    def of(cls, restored: Restored) -> "RestoredAnswer":
        """The answer for a restoration."""
        return cls(
            collections=list(restored.collections),
            records=restored.records,
            stored=restored.stored,
        )


class AuditEntryAnswer(BaseModel):
    """One administrative action."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    who: str
    action: str
    collection: str
    generation: str
    outcome: str
    detail: str


class AuditAnswer(BaseModel):
    """The newest entries, newest first."""

    entries: list[AuditEntryAnswer]

    @classmethod
    def of(cls, entries: Sequence[AuditEntry]) -> "AuditAnswer":
        """The answer for entries of the log."""
        return cls(entries=[AuditEntryAnswer.model_validate(each) for each in entries])
