"""The same judged collection on the servers of the settings and embedded: figure beside figure.

Both stacks share analyzers, chunks and encoder, so what users find should not depend on how
many machines they have. ``scripts/quality --servers`` measures it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evaluation.evaluate import evaluate
from evaluation.stores import OnProgress
from evaluation.systems import BM25, FUSED, LATE, VECTOR, System
from services.errors import InvalidInput
from services.settings import Settings

MEASURE = "nDCG@10"
SLACK = 0.01

COMPARED = (BM25, VECTOR, FUSED, LATE)

_URLS = ("opensearch_url", "qdrant_url", "cache_url", "broker_url")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One system on one collection; None where a stack could not run it."""

    collection: str
    system: str
    embedded: float | None
    servers: float | None

    @property
    def difference(self) -> float | None:
        """Servers less embedded; None where one of them was not measured."""
        if self.embedded is None or self.servers is None:
            return None
        return self.servers - self.embedded

    @property
    def met(self) -> bool:
        """Whether both stacks find equally well; what neither can run is no difference."""
        if self.difference is None:
            return self.embedded is self.servers
        return abs(self.difference) <= SLACK


async def compare(
    settings: Settings,
    folder: Path,
    progress: Callable[[str], OnProgress],
    systems: Sequence[System] = COMPARED,
    queries: int | None = None,
) -> list[Comparison]:
    """Measure a collection on both stacks, the embedded one first.

    Args:
        settings: with a server's URL at least.
        progress: gives, for a stack's name, who is told of its progress.
        queries: take the first so many judged queries of the collection.

    Raises:
        InvalidInput: no server is set.
    """
    if not any(getattr(settings, url) for url in _URLS):
        raise InvalidInput(
            "No server is set to compare with: set WINNOW_OPENSEARCH_URL and WINNOW_QDRANT_URL."
        )
    # Apart: a store that is embedded in both would take one's documents for the other's.
    apart = settings.data_path / "servers"
    servers = Settings.model_construct(**(settings.model_dump() | {"data_dir": apart}))
    stacks = {"embedded": embedded(settings), "servers": servers}
    means = {}
    for name, chosen in stacks.items():
        report = await evaluate(
            chosen, folder, queries=queries, systems=systems, progress=progress(name)
        )
        means[name] = report.means()

    def figure(stack: str, system: System) -> float | None:
        held = means[stack].get(system.name)
        return None if held is None else held[MEASURE]

    return [
        Comparison(folder.name, each.name, figure("embedded", each), figure("servers", each))
        for each in systems
    ]


def compare_stacks(
    console: Console, settings: Settings, parent: Path, wanted: Sequence[str]
) -> int:
    """Compare and print every judged collection of a folder; 1 where one differs, else 0."""
    folders = [parent / name for name in wanted] if wanted else sorted(parent.iterdir())
    table = Table("collection", "system", "embedded", "servers", "difference", "")
    missed = 0
    for folder in folders:
        if not wanted and not (folder / "corpus.jsonl").is_file():
            continue
        with console.status(folder.name) as status:

            def progress(stack: str, name: str = folder.name) -> OnProgress:
                def tell(activity: str, done: int, total: int) -> None:
                    status.update(f"{name}, {stack}: {activity} {done:,}/{total:,}")

                return tell

            found = asyncio.run(compare(settings, folder, progress))
        for each in found:
            table.add_row(*_cells(each))
            missed += not each.met
    console.print(table)
    return int(missed > 0)


def _cells(found: Comparison) -> tuple[str, ...]:
    values = (found.embedded, found.servers, found.difference)
    shown = ("–" if value is None else f"{value:.4f}" for value in values)
    verdict = "equal" if found.met else "[bold red]DIFFERS[/]"
    return found.collection, found.system, *shown, verdict


def embedded(settings: Settings) -> Settings:
    """The same settings without any server."""
    own: dict[str, object] = dict.fromkeys(_URLS, "")
    return Settings.model_construct(**(settings.model_dump() | own))
