"""The figures that Winnow holds itself to on public judged collections, as one table.

They hold with the offline bi-encoder and default settings. The collections are not shipped:
their licences differ. ``scripts/quality`` measures whichever of them a folder holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Figures = Mapping[str, Mapping[str, float] | None]
"""By system, then measure; None where the system could not be run."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A figure that a system reaches on a collection."""

    collection: str
    system: str
    measure: str
    value: float

    def required(self, _figures: Figures) -> float | None:
        """The least that passes."""
        return self.value


@dataclass(frozen=True, slots=True)
class Within:
    """A system's figure is at most ``slack`` below the best of other systems'."""

    collection: str
    system: str
    measure: str
    others: tuple[str, ...]
    slack: float

    def required(self, figures: Figures) -> float | None:
        """The least that passes, None where none of the others was measured."""
        values = [held[self.measure] for name in self.others if (held := figures.get(name))]
        return max(values) - self.slack if values else None


Target = Floor | Within

_NDCG = "nDCG@10"
_RECALL = "R@100"

# Collection: nDCG@10 of bm25, vector, fused.
_ENGLISH = {
    "scifact": (0.66, 0.64, 0.70),
    "cranfield": (0.34, 0.37, 0.40),
    "medline": (0.68, 0.78, 0.79),
    "npl": (0.43, 0.42, 0.50),
    "trec-dl19-pool": (0.42, 0.62, 0.62),
}

# The same questions in languages with analyzers of their own; the offline bi-encoder
# reads English alone, so in the others fusion may not lose what words find.
_XQUAD = ("xquad-en", "xquad-de", "xquad-es", "xquad-ru", "xquad-zh")

# Long documents: no aggregation rule wins on both, so each is shown and one is held.
AGGREGATION_COLLECTIONS = ("mediqa-qa", "artigos-pt")

TARGETS: tuple[Target, ...] = (
    *(
        Floor(collection, system, _NDCG, value)
        for collection, values in _ENGLISH.items()
        for system, value in zip(("bm25", "vector", "fused"), values, strict=True)
    ),
    *(Within(collection, "fused", _RECALL, ("bm25", "vector"), 0.01) for collection in _ENGLISH),
    *(Floor(collection, "bm25", _NDCG, 0.90) for collection in _XQUAD),
    *(Within(collection, "fused", _NDCG, ("bm25",), 0.01) for collection in _XQUAD),
    Floor("mediqa-qa", "bm25/max", _NDCG, 0.50),
)

COLLECTIONS = (*_ENGLISH, *_XQUAD, *AGGREGATION_COLLECTIONS)
