"""Two generations of a collection beside each other, on judged queries over its documents."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from evaluation.collections import read_judged_queries
from evaluation.measures import MEASURES, Measured, measure
from evaluation.stores import OnProgress
from evaluation.systems import BM25, FUSED, VECTOR, System
from search_api.answer import SearchAnswer
from search_api.request import Mode, Rerank, SearchRequest
from services.errors import ModelUnavailable

AS_USED = System("as users get it", Mode.HYBRID, Rerank.AUTO)
"""The search that a switch changes for everybody: it decides."""

DECISIVE = "nDCG@10"
DEPTH = 100

_UNHURRIED_MS = 600_000

Search = Callable[[SearchRequest], Awaitable[SearchAnswer]]


@dataclass(frozen=True, slots=True)
class Beside:
    """Figures of both generations by system; None where a stage that makes it is missing."""

    queries: int
    live: Mapping[str, Measured | None]
    new: Mapping[str, Measured | None]

    def verdict(self, max_drop: float) -> dict[str, object]:
        """What decides, as the HTTP API takes it."""
        live, new = self._decisive()
        return {"measure": DECISIVE, "live": live, "new": new, "max_drop": max_drop}

    def refusal(self, max_drop: float) -> str:
        """Why the switch would be refused, "" where it would not."""
        live, new = self._decisive()
        if live - new <= max_drop:
            return ""
        return f"{DECISIVE} falls from {live:.4f} to {new:.4f}; at most {max_drop:g} may be lost."

    def _decisive(self) -> tuple[float, float]:
        live, new = self.live[AS_USED.name], self.new[AS_USED.name]
        return (live.means[DECISIVE] if live else 0.0, new.means[DECISIVE] if new else 0.0)

    def to_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        sides = {"live": self.live, "new": self.new}
        return {"queries": self.queries} | {
            name: {
                system: measured and {key: round(value, 4) for key, value in measured.means.items()}
                for system, measured in side.items()
            }
            for name, side in sides.items()
        }

    def table(self) -> Table:
        """Each system on the live and the new generation, and what changes."""
        table = Table(title=f"The live and the new generation, {self.queries} judged queries")
        table.add_column("system")
        table.add_column("generation")
        for name in MEASURES:
            table.add_column(name, justify="right")
        for system, live in self.live.items():
            new = self.new[system]
            table.add_row(system, "live", *_cells(live))
            table.add_row("", "new", *_cells(new))
            table.add_row("", "change", *_changes(live, new), end_section=True)
        return table


async def compare(
    search: Search,
    folder: Path,
    generations: tuple[str, str],
    *,
    split: str = "test",
    queries: int | None = None,
    progress: OnProgress,
) -> Beside:
    """Ask the live and the new generation every judged query, in turns.

    Args:
        search: of the collection.
        folder: BEIR's layout; ``corpus.jsonl`` is not needed.
        generations: ids of the live and the new one.

    Raises:
        InvalidInput: the folder holds no judged queries, with file and line.
    """
    judged = read_judged_queries(folder, split, queries)
    sides: list[dict[str, Measured | None]] = []
    for name, generation in zip(("live", "new"), generations, strict=True):
        side: dict[str, Measured | None] = {}
        for system in (BM25, VECTOR, FUSED, AS_USED):
            lists = await _lists(
                search, system, generation, judged.queries, f"{name}: {system.name}", progress
            )
            side[system.name] = None if lists is None else measure(judged.judgments, lists)
        sides.append(side)
    return Beside(len(judged.queries), *sides)


async def _lists(
    search: Search,
    system: System,
    generation: str,
    queries: Mapping[str, str],
    activity: str,
    progress: OnProgress,
) -> dict[str, Sequence[str]] | None:
    """Ranked ids by query id; None where the system cannot be had."""
    lists: dict[str, Sequence[str]] = {}
    for done, (identifier, text) in enumerate(queries.items(), start=1):
        request = system.request(text).model_copy(
            update={
                "generation": generation,
                "size": DEPTH,
                "deadline_ms": _UNHURRIED_MS,
                "budget_ms": _UNHURRIED_MS,
            }
        )
        try:
            answer = await search(request)
        except ModelUnavailable:
            return None
        lists[identifier] = [result.id for result in answer.results]
        progress(activity, done, len(queries))
    return lists


def _cells(measured: Measured | None) -> list[str]:
    return [f"{measured.means[name]:.3f}" if measured else "–" for name in MEASURES]


def _changes(live: Measured | None, new: Measured | None) -> list[str]:
    if live is None or new is None:
        return ["–"] * len(MEASURES)
    return [f"{new.means[name] - live.means[name]:+.3f}" for name in MEASURES]
