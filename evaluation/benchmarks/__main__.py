"""The command: ``scripts/bench [NAME…] [--chunks N] [--json]``."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from evaluation.benchmarks.budget import latency_budget
from evaluation.benchmarks.embedding import embedding
from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.generations import generations
from evaluation.benchmarks.late import late_interaction
from evaluation.benchmarks.load import load
from evaluation.benchmarks.million import million
from evaluation.benchmarks.reranking import reranking
from evaluation.benchmarks.searching import searching
from evaluation.benchmarks.server_stack import server_stack
from services.errors import WinnowError
from services.settings import Settings, load_settings

_WITHOUT_SERVERS = ("embedding", "reranking", "late", "search", "budget", "generations")
_WITH_SERVERS = ("servers", "load", "million")
_CHUNKS = 15_000
_BUILT_CHUNKS = 3_000
_MILLION = 1_000_000
_PIPE_WIDTH = 140


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 where an enforced figure is missed."""
    chosen = _parse(arguments)
    progress = Console(stderr=True)
    figures: list[Figure] = []
    try:
        settings = load_settings()
        benchmarks = _benchmarks(settings, chosen.chunks, progress)
        for name in chosen.names or chosen.only or _WITHOUT_SERVERS:
            progress.print(f"{name} …")
            figures += benchmarks[name]()
    except WinnowError as error:
        progress.print(f"scripts/bench: {error.detail}", markup=False)
        return error.exit_code
    if chosen.json:
        sys.stdout.write(json.dumps([figure.to_json() for figure in figures], indent=1) + "\n")
    else:
        shown = Console()
        # A pipe has no width of its own, and the default of 80 breaks every name.
        shown = shown if shown.is_terminal else Console(width=_PIPE_WIDTH)
        shown.print(_table(figures))
    return int(any(figure.enforced and not figure.met for figure in figures))


def _benchmarks(
    settings: Settings, chunks: int | None, console: Console
) -> dict[str, Callable[[], list[Figure]]]:
    told = ""

    def progress(activity: str, _done: int, _total: int) -> None:
        nonlocal told
        if activity != told:
            told = activity
            console.print(f"  {activity} …")

    return {
        "embedding": lambda: embedding(settings),
        "reranking": lambda: reranking(settings),
        "late": lambda: late_interaction(settings),
        "search": lambda: searching(settings, chunks or _CHUNKS, progress),
        "budget": lambda: latency_budget(settings, progress),
        "generations": lambda: generations(settings, chunks or _BUILT_CHUNKS, progress),
        "servers": lambda: server_stack(settings, chunks or _CHUNKS, progress),
        "load": lambda: load(settings, chunks or _CHUNKS, progress),
        "million": lambda: million(settings, chunks or _MILLION, progress),
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Speed and memory.")
    names = (*_WITHOUT_SERVERS, *_WITH_SERVERS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(names)}")
    parser.add_argument("--only", action="append", choices=names, help="the same, once a name")
    parser.add_argument(
        "--chunks", type=int, help=f"chunks to search over ({_CHUNKS:,}; million: {_MILLION:,})"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list on stdout")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    return chosen


def _table(figures: Sequence[Figure]) -> Table:
    table = Table("figure", "unit")
    for heading in ("value", "baseline", "ratio", "held to"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for figure in figures:
        table.add_row(
            figure.name,
            figure.unit,
            f"{figure.value:,.1f}",
            "" if figure.baseline is None else f"{figure.baseline:,.1f}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            _limit(figure),
            _verdict(figure),
        )
    return table


def _limit(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"≥ {figure.at_least:g}"
    return "" if figure.at_most is None else f"≤ {figure.at_most:,g}"


def _verdict(figure: Figure) -> str:
    if figure.at_least is None and figure.at_most is None:
        return ""
    if figure.met:
        return "reached"
    return "[bold red]MISSED[/]" if figure.enforced else "missed (not enforced)"


if __name__ == "__main__":
    sys.exit(main())
