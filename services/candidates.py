"""What an index answers with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.documents import ChunkRef, Scalar


class Hit(NamedTuple):
    """A chunk found by one leg, with the document version that was indexed.

    A tuple, as :class:`Place` and the like: a search makes hundreds of each, and a frozen
    dataclass takes three times as long to make.
    """

    ref: ChunkRef
    version: int
    score: float


Run = Sequence[Hit]
"""The hits of one leg, best first; ties ordered by document id, then ordinal."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet with the number of documents that hold it."""

    value: Scalar
    count: int


@dataclass(frozen=True, slots=True)
class Survey:
    """Exact counts over documents (not chunks): how many match, and each facet's values.

    A facet's own conditions do not narrow it (disjunctive); values come by falling
    count, then by value.
    """

    total: int
    facets: Mapping[str, Sequence[FacetValue]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexedVersion:
    """What an index holds of a document: for comparing it with the ledger."""

    document_id: str
    version: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What is there of a document in an index: what its record says, and the chunks themselves.

    Attributes:
        version: what the record says was written last, 0 without a record.
        chunks: how many chunks the record speaks of.
        deleted: the record is a tombstone, or there is none.
        found: how many chunks are there, by their version.
    """

    document_id: str
    version: int
    chunks: int
    deleted: bool
    found: Mapping[int, int]

    @property
    def newest(self) -> int:
        """The newest version that has left a trace."""
        return max(self.version, *self.found, 0)
