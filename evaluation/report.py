"""What an evaluation found, for programs (JSON) and for people (a table)."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from evaluation.measures import MEASURES, Measured


@dataclass(frozen=True, slots=True)
class SystemReport:
    """Quality and speed of one system.

    Attributes:
        p50_ms: median time of a search, one at a time; p95_ms: what one in twenty exceeds.
    """

    quality: Measured
    p50_ms: float
    p95_ms: float

    def figures(self) -> dict[str, float]:
        """The means and the times, rounded to what they can tell."""
        means = {name: round(self.quality.means[name], 4) for name in MEASURES}
        return means | {"p50_ms": round(self.p50_ms, 2), "p95_ms": round(self.p95_ms, 2)}


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation.

    Attributes:
        settings: what shaped the figures.
        systems: by name; None where a stage that makes the system is missing.
        notes: what a reader of the figures should know: refused documents, degraded answers.
    """

    collection: str
    documents: int
    chunks: int
    queries: int
    settings: Mapping[str, object]
    systems: Mapping[str, SystemReport | None]
    notes: tuple[str, ...] = ()

    def means(self) -> dict[str, Mapping[str, float] | None]:
        """Every system's measures by name, as exact as they were measured."""
        return {
            name: None if system is None else system.quality.means
            for name, system in self.systems.items()
        }

    def figures(self) -> dict[str, dict[str, float] | None]:
        """Every system's figures by name."""
        return {
            name: None if system is None else system.figures()
            for name, system in self.systems.items()
        }

    def to_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        return {
            "collection": self.collection,
            "documents": self.documents,
            "chunks": self.chunks,
            "queries": self.queries,
            "settings": dict(self.settings),
            "systems": self.figures(),
        }

    def table(self) -> Table:
        """Systems in rows; the first stage's recall stands beside the nDCG it bounds."""
        title = (
            f"{self.collection}: {self.queries} queries, "
            f"{self.documents} documents, {self.chunks} chunks"
        )
        table = Table(title=title, caption="\n".join(self.notes) or None, caption_justify="left")
        table.add_column("system")
        for heading in (*MEASURES, "p50 ms", "p95 ms"):
            table.add_column(heading, justify="right")
        for name, system in self.systems.items():
            table.add_row(name, *_cells(system))
        return table


def _cells(system: SystemReport | None) -> list[str]:
    if system is None:
        return ["–"] * (len(MEASURES) + 2)
    qualities = [f"{system.quality.means[name]:.3f}" for name in MEASURES]
    return [*qualities, f"{system.p50_ms:.1f}", f"{system.p95_ms:.1f}"]
