"""Generations: one text index and one vector index built with one configuration."""

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from services.errors import InvalidInput, NotFound

BY_ACTIVATION = "A generation becomes live, or stops being so, by activation."

_ID = re.compile(r"g([0-9]{4,})-[0-9a-f]{12}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class EncoderFingerprint:
    """What must be equal for two sets of vectors to be comparable.

    Precision is deliberately absent: bf16 and fp32 vectors of one model may meet.

    Attributes:
        token_dimensions: size of the stored token vectors of late interaction, 0 for none.
        token_projection: hash of the matrix that projects them, "" for none.
    """

    model: str
    revision: str
    dimensions: int
    pooling: str
    normalised: bool
    query_prefix: str = ""
    passage_prefix: str = ""
    token_dimensions: int = 0
    token_projection: str = ""


@dataclass(frozen=True, slots=True)
class ChunkerConfiguration:
    """How documents are cut: sizes in the bi-encoder's tokens, version of the algorithm."""

    max_tokens: int
    overlap_tokens: int
    max_characters: int = 2_000
    version: int = 1


@dataclass(frozen=True, slots=True)
class GenerationFingerprint:
    """Everything that makes an index what it is.

    Attributes:
        encoder: None for words only.
        language: every document is read as being in this one; "": each in its own.
    """

    encoder: EncoderFingerprint | None
    chunker: ChunkerConfiguration
    analyzers: str
    language: str = ""

    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over the canonical form."""
        fields = asdict(self)
        if not self.language:
            # As it was before there was a choice.
            del fields["language"]
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class GenerationState(StrEnum):
    """Where a generation stands; only one of a collection is live.

    A build is READY once it holds all that the ledger holds and has passed its checks. What
    is DISCARDED is no longer written to and waits for its indexes to be removed.
    """

    BUILDING = "building"
    READY = "ready"
    LIVE = "live"
    RETIRED = "retired"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a build may go.

    Attributes:
        documents_per_s: at most so many; 0: no limit.
        share: how much of its time it works, above 0 up to 1; it rests for the remainder.
    """

    documents_per_s: float = 0.0
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Build:
    """What an operator asked of a build, and how far it has come, over restarts too.

    Attributes:
        activate: switch to it as soon as it is ready.
        documents, chunks: written so far, changes during the build included.
        seconds: time spent on them, without rests and pauses.
        fault: why it did not pass its checks, "" where nothing is wrong.
    """

    activate: bool = False
    paused: bool = False
    speed: Speed = Speed()
    documents: int = 0
    chunks: int = 0
    seconds: float = 0.0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of a collection's indexes; writes go to every generation kept.

    Attributes:
        retired_at: when another became live in its place; None in any other state.
    """

    collection: str
    id: str
    fingerprint: GenerationFingerprint
    state: GenerationState
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    retired_at: datetime | None = None
    build: Build = Build()

    @property
    def name(self) -> str:
        """Its name in an engine, unique over collections."""
        return f"{self.collection}--{self.id}"

    @property
    def to_be_completed(self) -> bool:
        """Whether it is a build, or one whose process died before the switch it was to make."""
        ready = self.state is GenerationState.READY
        return self.state is GenerationState.BUILDING or (ready and self.build.activate)

    @staticmethod
    def new_id(number: int, fingerprint: GenerationFingerprint) -> str:
        """An id that is never used twice, whatever becomes of the ledger and the engines.

        Its random digits keep a collection that is deleted and made again from what a crash
        left of its indexes.
        """
        return f"g{number:04}-{fingerprint.digest()}-{secrets.token_hex(3)}"

    @property
    def number(self) -> int:
        """Its place among the generations of its collection, from 1; 0 where the id has none."""
        match = _ID.fullmatch(self.id)
        return int(match[1]) if match else 0

    def checked_change(self, after: "Generation") -> "Generation":
        """What a change made of it; InvalidInput where that is activation's to do."""
        if after.state is not self.state and GenerationState.LIVE in (self.state, after.state):
            raise InvalidInput(BY_ACTIVATION)
        return after

    def check_kept(self) -> None:
        """Raise NotFound where its indexes are about to be removed."""
        if self.state is GenerationState.DISCARDED:
            raise NotFound(f"{self.collection!r} has discarded its generation {self.id!r}.")

    def moved_to(self, state: GenerationState) -> "Generation":
        """The generation in another state; the time of its retirement follows from that."""
        if state is self.state:
            return self
        retired_at = datetime.now(UTC) if state is GenerationState.RETIRED else None
        return replace(self, state=state, retired_at=retired_at)


def names_generation(name: str) -> bool:
    """Whether an engine's index is named as that of a generation is."""
    return _ID.fullmatch(name.rpartition("--")[2]) is not None


@dataclass(frozen=True, slots=True)
class Head:
    """A collection's pointer record.

    Attributes:
        live: the generation that answers searches.
        epoch: grows with every acknowledged and every indexed write.
        revision: the record's version for compare-and-set.
    """

    live: Generation
    epoch: int
    revision: int
