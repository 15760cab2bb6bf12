"""The latency budget: how long reranking takes, by budget and by queries at once.

Clients ask one query after the other, each a new one. What is held is the time of the
reranking stage, the reading of its passages included; what it buys is shown beside it.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.models import cross_encoder_folder
from evaluation.benchmarks.searching import COLLECTION, index_passages
from evaluation.benchmarks.texts import queries
from evaluation.measures import percentile_ms
from evaluation.opening import open_forgetful
from evaluation.stores import OnProgress
from search_api.answer import SearchAnswer
from search_api.request import Rerank, SearchRequest
from search_api.reranking import RERANK, WINDOW
from search_api.service import SearchService
from services.assembly import Services
from services.models.hashing import HASHING
from services.settings import Settings

BUDGETS_MS = (50, 100, 200, 300, 500)
CLIENTS = (1, 2, 4, 8)

_CHUNKS = 2_000
_WORDS = 110
_TOKEN_DIMENSIONS = 64
_QUERIES = 40
_SLACK = 1.2
_UNHURRIED_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Cell:
    """The answers of one budget and so many clients."""

    budget_ms: int
    clients: int
    answers: Sequence[SearchAnswer]

    @property
    def name(self) -> str:
        """As the table shows it."""
        return f"budget {self.budget_ms} ms, {self.clients} at once"

    def figures(self) -> list[Figure]:
        """The held time, and what it bought."""
        times_s = [_reranking_s(answer) for answer in self.answers]
        windows = [answer.window for answer in self.answers if answer.window]
        scored = sum(window.scored for window in windows) / max(1, len(windows))
        cut = sum(window.bounded_by == "deadline" for window in windows)
        return [
            Figure(
                f"{self.name}: reranking, p95",
                percentile_ms(times_s, 95),
                "ms",
                at_most=_SLACK * self.budget_ms,
                enforced=False,
            ),
            Figure(f"{self.name}: passages scored, mean", scored, "passages"),
            Figure(f"{self.name}: cut by the deadline", 100 * cut / len(self.answers), "%"),
        ]


def latency_budget(settings: Settings, progress: OnProgress) -> list[Figure]:
    """Every budget under every number of clients, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        model = cross_encoder_folder(settings, Path(folder) / "cross-encoder")
        progress(f"Reranking with {model.description}", 0, 0)
        return asyncio.run(
            budget_figures(
                settings.model_copy(update={"cross_encoder": str(model.path)}),
                Path(folder) / "data",
                progress,
            )
        )


async def budget_figures(
    settings: Settings,
    folder: Path,
    progress: OnProgress,
    *,
    chunks: int = _CHUNKS,
    queries_a_cell: int = _QUERIES,
) -> list[Figure]:
    """Fill an index in ``folder``, then ask; hashed words stand in for the bi-encoder."""
    own = {
        "data_dir": folder,
        "bi_encoder": HASHING,
        "token_dimensions": _TOKEN_DIMENSIONS,
        "cache_ttl_s": 0,
        "deadline_ms": _UNHURRIED_MS,
    }
    chosen = Settings.model_construct(**(settings.model_dump() | own))
    async with open_forgetful(chosen) as services:
        await index_passages(services, chunks, progress, words=_WORDS)
        cells = [(budget, clients) for clients in CLIENTS for budget in BUDGETS_MS]
        asked = iter(queries(queries_a_cell * (len(cells) + 1), seed=3))
        await _cell(services, BUDGETS_MS[-1], 1, _take(asked, queries_a_cell))  # warms it up
        figures = []
        for budget_ms, clients in cells:
            progress(f"{clients} at once", 0, 0)
            cell = await _cell(services, budget_ms, clients, _take(asked, queries_a_cell))
            figures += cell.figures()
    return figures


async def _cell(services: Services, budget_ms: int, clients: int, texts: Sequence[str]) -> _Cell:
    service = SearchService(replace(services))
    waiting = iter(texts)
    answers: list[SearchAnswer] = []

    async def client() -> None:
        for text in waiting:
            # Asked for by name: a reranker that late interaction matches runs only then.
            request = SearchRequest(query=text, rerank=Rerank.CROSS_ENCODER, budget_ms=budget_ms)
            answers.append(await service.search(COLLECTION, request))

    await asyncio.gather(*(client() for _ in range(clients)))
    return _Cell(budget_ms, clients, answers)


def _take(texts: Iterator[str], count: int) -> list[str]:
    return [next(texts) for _ in range(count)]


def _reranking_s(answer: SearchAnswer) -> float:
    return sum(stage.ms for stage in answer.stages if stage.name in (WINDOW, RERANK)) / 1_000
