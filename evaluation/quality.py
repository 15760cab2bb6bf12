"""``scripts/quality``: every target on a folder of judged collections; 1 where one is missed."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from evaluation.evaluate import evaluate
from evaluation.report import Report
from evaluation.stacks import compare_stacks
from evaluation.stores import OnProgress
from evaluation.systems import BM25, FUSED, VECTOR, System
from evaluation.targets import (
    AGGREGATION_COLLECTIONS,
    COLLECTIONS,
    TARGETS,
    Figures,
    Target,
)
from search_api.request import Aggregation, Mode
from services.errors import InvalidInput, WinnowError
from services.settings import Settings, load_settings

_RULES = tuple(System(f"bm25/{rule}", Mode.LEXICAL, aggregation=rule) for rule in Aggregation)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target beside what was measured; None where it could not be."""

    target: Target
    measured: float | None
    required: float | None

    @property
    def met(self) -> bool:
        """Whether the figure is reached; one that could not be measured is not."""
        if self.measured is None or self.required is None:
            return False
        return self.measured >= self.required


def judge(collection: str, figures: Figures) -> list[Verdict]:
    """The targets of one collection against its figures."""
    verdicts = []
    for target in TARGETS:
        if target.collection == collection:
            held = figures.get(target.system)
            measured = held[target.measure] if held else None
            verdicts.append(Verdict(target, measured, target.required(figures)))
    return verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    chosen = _parse(arguments)
    console = Console()
    try:
        settings = load_settings(data_dir=chosen.data_dir)
        if chosen.servers:
            return compare_stacks(console, settings, chosen.folder, chosen.collections)
        folders = _folders(chosen.folder, chosen.collections)
        missed = sum(_measure(console, settings, folder) for folder in folders)
    except WinnowError as error:
        Console(stderr=True).print(f"scripts/quality: {error.detail}", markup=False)
        return error.exit_code
    console.print(f"{missed} figures missed." if missed else "Every figure is reached.")
    return 1 if missed else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/quality", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds a folder for each judged collection")
    parser.add_argument("collections", nargs="*", help=f"only these, of: {', '.join(COLLECTIONS)}")
    parser.add_argument(
        "--servers",
        action="store_true",
        help="compare the servers of WINNOW_OPENSEARCH_URL and WINNOW_QDRANT_URL with the "
        "embedded stack instead, on every collection of the folder",
    )
    parser.add_argument(
        "--data-dir", type=Path, help="where stores are kept for the next run (WINNOW_DATA_DIR)"
    )
    return parser.parse_args(arguments)


def _folders(parent: Path, wanted: Sequence[str]) -> list[Path]:
    """The collections to measure; absent ones are an error only where they were named."""
    unknown = [name for name in wanted if name not in COLLECTIONS]
    if unknown:
        raise InvalidInput(
            f"There are no targets for {', '.join(unknown)}; "
            f"there are for {', '.join(COLLECTIONS)}."
        )
    present = [parent / name for name in COLLECTIONS if (parent / name).is_dir()]
    absent = [name for name in wanted if not (parent / name).is_dir()]
    if absent or not present:
        raise InvalidInput(f"{parent} does not hold {', '.join(absent or COLLECTIONS)}.")
    return [folder for folder in present if not wanted or folder.name in wanted]


def _measure(console: Console, settings: Settings, folder: Path) -> int:
    """Measure and print one collection; how many of its figures are missed."""
    systems = _RULES if folder.name in AGGREGATION_COLLECTIONS else (BM25, VECTOR, FUSED)
    with _progress_bar() as bar:
        task = bar.add_task(folder.name, total=None)

        def progress(activity: str, done: int, total: int) -> None:
            bar.update(
                task,
                description=f"{folder.name}: {activity}",
                completed=done,
                total=total or None,
            )

        report = _evaluate(settings, folder, systems, progress)
    console.print(report.table())
    verdicts = judge(report.collection, report.means())
    if verdicts:
        console.print(_verdict_table(verdicts))
    return sum(not verdict.met for verdict in verdicts)


def _evaluate(
    settings: Settings, folder: Path, systems: Sequence[System], progress: OnProgress
) -> Report:
    return asyncio.run(evaluate(settings, folder, systems=systems, progress=progress))


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)


def _verdict_table(verdicts: Sequence[Verdict]) -> Table:
    table = Table("figure", "measured", "at least", "")
    for verdict in verdicts:
        target = verdict.target
        table.add_row(
            f"{target.collection} {target.system} {target.measure}",
            "–" if verdict.measured is None else f"{verdict.measured:.3f}",
            "–" if verdict.required is None else f"{verdict.required:.3f}",
            "reached" if verdict.met else "[bold red]MISSED[/]",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
