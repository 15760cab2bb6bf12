"""Generations: one text index and one vector index built with one configuration."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


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
    """Everything that makes an index what it is; ``encoder`` is None for words only."""

    encoder: EncoderFingerprint | None
    chunker: ChunkerConfiguration
    analyzers: str

    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over the canonical form."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class GenerationState(StrEnum):
    """Where a generation stands; only one of a collection is live."""

    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of a collection's indexes; writes go to every generation kept."""

    collection: str
    id: str
    fingerprint: GenerationFingerprint
    state: GenerationState
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """Its name in an engine, unique over collections."""
        return f"{self.collection}--{self.id}"


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
