"""The same judged collection on the servers of the settings and embedded: figure beside figure.

Both stacks share analyzers, chunks and encoder, so what users find should not depend on how
many machines they have. ``scripts/quality --servers`` measures it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
) -> list[Comparison]:
    """Measure a collection on both stacks, the embedded one first.

    Args:
        settings: with a server's URL at least.
        progress: gives, for a stack's name, who is told of its progress.

    Raises:
        InvalidInput: no server is set.
    """
    if not any(getattr(settings, url) for url in _URLS):
        raise InvalidInput(
            "No server is set to compare with: set WINNOW_OPENSEARCH_URL and WINNOW_QDRANT_URL."
        )
    stacks = {"embedded": embedded(settings), "servers": settings}
    means = {
        name: (await evaluate(chosen, folder, systems=systems, progress=progress(name))).means()
        for name, chosen in stacks.items()
    }

    def figure(stack: str, system: System) -> float | None:
        held = means[stack].get(system.name)
        return None if held is None else held[MEASURE]

    return [
        Comparison(folder.name, each.name, figure("embedded", each), figure("servers", each))
        for each in systems
    ]


def embedded(settings: Settings) -> Settings:
    """The same settings without any server."""
    own: dict[str, object] = dict.fromkeys(_URLS, "")
    return Settings.model_construct(**(settings.model_dump() | own))
