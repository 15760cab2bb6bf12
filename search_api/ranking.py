"""The frozen result list of one search: what pages are cut from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import TypeAdapter

from search_api.answer import SearchAnswer
from search_api.fusion import Place
from services.documents import ChunkRef
from services.queries import Words


class Candidate(NamedTuple):
    """A chunk on its way through the stages; what a stage did not touch stays None.

    A tuple, since there are hundreds of them in each search.

    Attributes:
        score: of the last stage that ordered it; ``scored_by`` names that stage.
        fused_rank: place in the fused order, from 1.
        window_rank: place in the reranking window, from 1.
    """

    ref: ChunkRef
    version: int
    score: float
    scored_by: str
    places: Mapping[str, Place]
    fused: float | None = None
    fused_rank: int | None = None
    cosine: float | None = None
    max_sim: float | None = None
    late: float | None = None
    window_rank: int | None = None
    cross_encoder: float | None = None
    truncated: bool | None = None

    def scored(self, stage: str, score: float) -> "Candidate":
        """The same chunk with a stage's score."""
        return self._replace(score=score, scored_by=stage)

    def interacted(self, stage: str, score: float, *, cosine: float, max_sim: float) -> "Candidate":
        """The same chunk with late interaction's scores; it comes before the cross-encoder."""
        # Hundreds at once: _replace, which works by names, takes three times as long.
        fused, rank = self.fused, self.fused_rank
        return Candidate(
            self.ref, self.version, score, stage, self.places, fused, rank, cosine, max_sim, score
        )


class Item(NamedTuple):
    """One result of the frozen list: a document (or a passage) and its best chunks."""

    document_id: str
    version: int
    score: float
    scored_by: str
    chunks: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """All that later pages need.

    Attributes:
        rights: the key of the rights it was made under; another caller cannot read it.
        head: the answer without its results, repeated by every page.
    """

    rights: str
    words: Words
    aggregation: str
    items: tuple[Item, ...]
    head: SearchAnswer

    def encode(self) -> bytes:
        """As JSON, for a cache."""
        return _CODEC.dump_json(self)

    @staticmethod
    def decode(raw: bytes) -> "Ranking":
        """Read what :meth:`encode` wrote; ValueError for anything else."""
        return _CODEC.validate_json(raw)


_CODEC = TypeAdapter(Ranking)
