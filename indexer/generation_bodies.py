"""What the routes of generations take and answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from indexer.generations.checks import Check
from indexer.generations.garbage import Removed
from indexer.generations.orders import Asked, Order, Verdict
from indexer.generations.planning import Changes
from indexer.generations.removing import removable_at
from indexer.generations.service import Standing
from services.generations import Build, GenerationFingerprint, GenerationState, Speed


class SpeedBody(BaseModel):
    """How fast a build may go."""

    model_config = ConfigDict(extra="forbid")

    documents_per_s: Annotated[float, Field(ge=0, le=1e9)] = Field(
        default=0.0, description="at most so many documents a second; 0: no limit"
    )
    share: Annotated[float, Field(ge=0.01, le=1)] = Field(
        default=1.0, description="how much of its time it works; it rests for the remainder"
    )

    def speed(self) -> Speed:
        """The domain's own."""
        return Speed(self.documents_per_s, self.share)


class ReindexBody(BaseModel):
    """A new generation; what is left out is as the server's settings say."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        default=None, description="a bi-encoder's name or path; 'none' builds without vectors"
    )
    chunk_tokens: Annotated[int, Field(ge=0, le=8_192)] | None = Field(
        default=None, description="the longest chunk; 0: as long as the model reads"
    )
    overlap_tokens: Annotated[int, Field(ge=0, le=1_024)] | None = None
    token_dimensions: Annotated[int, Field(ge=0, le=1_024)] | None = Field(
        default=None, description="of the token vectors of late interaction; 0: none"
    )
    language: Annotated[str, Field(pattern="^([a-z]{2,3})$")] | None = Field(
        default=None,
        description="read every document as being in this language; 'own': each in its own; "
        "left out: as the live generation does",
    )
    activate: bool = Field(default=False, description="switch to it once it passed its checks")
    force: bool = Field(
        default=False, description="also where the live generation is built that way already"
    )
    speed: SpeedBody = Field(default_factory=SpeedBody)

    def order(self) -> Order:
        """The domain's own."""
        changes = Changes(
            self.model, self.chunk_tokens, self.overlap_tokens, self.token_dimensions, self.language
        )
        return Order(changes, self.activate, self.force, self.speed.speed())


class BuildChange(BaseModel):
    """What is asked of a build from now on; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    paused: bool | None = Field(default=None, description="false also tries failed checks again")
    activate: bool | None = None
    speed: SpeedBody | None = None

    def asked(self) -> Asked:
        """The domain's own."""
        return Asked(self.paused, self.activate, self.speed.speed() if self.speed else None)


class VerdictBody(BaseModel):
    """How the generation did beside the live one, on judged queries."""

    model_config = ConfigDict(extra="forbid")

    measure: str = Field(description="such as nDCG@10")
    live: Annotated[float, Field(ge=0, le=1)]
    new: Annotated[float, Field(ge=0, le=1)]
    max_drop: Annotated[float, Field(ge=0, le=1)] = Field(
        description="a greater loss refuses the switch"
    )

    def verdict(self) -> Verdict:
        """The domain's own."""
        return Verdict(self.measure, self.live, self.new, self.max_drop)


class Configuration(BaseModel):
    """What a generation is built with; ``model`` is "" for words alone."""

    model: str
    revision: str
    dimensions: int
    token_dimensions: int
    chunk_tokens: int
    overlap_tokens: int
    language: str = Field(description='"": each document is read in its own')
    analyzers: str

    @classmethod
    def of(cls, fingerprint: GenerationFingerprint) -> "Configuration":
        """The answer for a fingerprint."""
        encoder, chunker = fingerprint.encoder, fingerprint.chunker
        return cls(
            model=encoder.model if encoder else "",
            revision=encoder.revision if encoder else "",
            dimensions=encoder.dimensions if encoder else 0,
            token_dimensions=encoder.token_dimensions if encoder else 0,
            chunk_tokens=chunker.max_tokens,
            overlap_tokens=chunker.overlap_tokens,
            language=fingerprint.language,
            analyzers=fingerprint.analyzers,
        )


class ProgressAnswer(BaseModel):
    """How far a build is, over restarts too; rates leave rests and pauses out."""

    documents: int = Field(description="written so far, deletions and later changes included")
    total: int = Field(description="those, and what still waits")
    chunks: int
    seconds: float
    documents_per_s: float
    chunks_per_s: float
    seconds_left: float | None = Field(description="at that rate; null before there is one")
    paused: bool
    activate: bool
    speed: SpeedBody
    waiting: str = Field(description="why it stands still, empty while it does not")
    fault: str = Field(description="the checks that it did not pass; it goes on when told to")

    @classmethod
    def of(cls, build: Build, pending: int, waiting: str) -> "ProgressAnswer":
        """The answer for a build that lacks so many documents."""
        seconds = build.seconds
        rate = build.documents / seconds if seconds else 0.0
        return cls(
            documents=build.documents,
            total=build.documents + pending,
            chunks=build.chunks,
            seconds=round(seconds, 3),
            documents_per_s=round(rate, 2),
            chunks_per_s=round(build.chunks / seconds, 2) if seconds else 0.0,
            seconds_left=round(pending / rate, 1) if rate else None,
            paused=build.paused,
            activate=build.activate,
            speed=SpeedBody(documents_per_s=build.speed.documents_per_s, share=build.speed.share),
            waiting=waiting,
            fault=build.fault,
        )


class GenerationAnswer(BaseModel):
    """A generation as it stands."""

    id: str
    collection: str
    state: GenerationState
    created_at: datetime
    retired_at: datetime | None
    removable_at: datetime | None = Field(
        description="until then it is written to, and a rollback misses nothing"
    )
    configuration: Configuration
    pending: int = Field(description="documents and deletions that it lacks")
    dead_letters: int = Field(description="documents that cannot be indexed into it")
    searches: int = Field(description="that run on it in the process that answers")
    refused: str = Field(description="why judged queries refuse the switch; empty: they do not")
    progress: ProgressAnswer | None = Field(description="of a build; null for all others")

    @classmethod
    def of(cls, standing: Standing, grace_s: float) -> "GenerationAnswer":
        """The answer for a generation."""
        generation = standing.generation
        building = generation.state is GenerationState.BUILDING
        return cls(
            id=generation.id,
            collection=generation.collection,
            state=generation.state,
            created_at=generation.created_at,
            retired_at=generation.retired_at,
            removable_at=removable_at(generation, grace_s),
            configuration=Configuration.of(generation.fingerprint),
            pending=standing.pending,
            dead_letters=standing.dead,
            searches=standing.in_use,
            refused=generation.build.fault if generation.state is GenerationState.READY else "",
            progress=ProgressAnswer.of(generation.build, standing.pending, standing.waiting)
            if building
            else None,
        )


class GenerationsAnswer(BaseModel):
    """Every generation of a collection, oldest first."""

    generations: list[GenerationAnswer]


class CheckAnswer(BaseModel):
    """One thing that a switch asks for."""

    name: str
    passed: bool
    detail: str


class ChecksAnswer(BaseModel):
    """What a switch asks for."""

    passed: bool
    checks: list[CheckAnswer]

    @classmethod
    def of(cls, found: Sequence[Check]) -> "ChecksAnswer":
        """The answer for what was looked at."""
        return cls(
            passed=all(each.passed for each in found),
            checks=[
                CheckAnswer(name=each.name, passed=each.passed, detail=each.detail)
                for each in found
            ],
        )


class KeptAnswer(BaseModel):
    """A generation that stays, and why."""

    id: str
    reason: str


class RemovedAnswer(BaseModel):
    """What was removed."""

    removed: list[str]
    kept: list[KeptAnswer]
    failed: list[KeptAnswer] = Field(description="what an engine did not let go of")
    orphans: list[str] = Field(description="indexes that no generation of this ledger owns")
    dry_run: bool

    @classmethod
    def of(cls, removed: Removed, *, dry_run: bool) -> "RemovedAnswer":
        """The answer for a collection of garbage."""
        return cls(
            removed=list(removed.generations),
            kept=[KeptAnswer(id=name, reason=reason) for name, reason in removed.kept],
            failed=[KeptAnswer(id=name, reason=reason) for name, reason in removed.failed],
            orphans=list(removed.orphans),
            dry_run=dry_run,
        )
