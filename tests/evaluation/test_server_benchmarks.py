"""Benchmarks of the server stack, with a few chunks and models that need no weights."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from evaluation.benchmarks.__main__ import main
from evaluation.benchmarks.budget import BUDGETS_MS, CLIENTS, budget_figures
from evaluation.benchmarks.callers import Caller, Reply
from evaluation.benchmarks.load import Burst, load_figures
from evaluation.benchmarks.million import million_figures
from evaluation.benchmarks.processes import api, server
from evaluation.benchmarks.server_stack import server_stack
from services.errors import BackendUnavailable, InvalidInput
from services.settings import Settings
from tests.servers.qdrant_wire import qdrant_wire


def silent(_activity: str, _done: int, _total: int) -> None:
    """Progress that nobody wants."""


async def test_the_budget_is_measured_in_every_cell(tmp_path: Path) -> None:
    """Each budget under each number of clients: its time, what it bought, what was cut."""
    settings = Settings(cross_encoder="overlap", _env_file=None)
    figures = await budget_figures(settings, tmp_path, silent, chunks=60, queries_a_cell=8)
    assert len(figures) == 3 * len(BUDGETS_MS) * len(CLIENTS)
    held = sorted({figure.at_most or 0 for figure in figures if "p95" in figure.name})
    assert held == pytest.approx([1.2 * budget for budget in BUDGETS_MS])
    assert all(figure.value > 0 for figure in figures if "scored" in figure.name)


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_recall_is_measured_against_an_exact_search(tmp_path: Path) -> None:
    """Local mode searches exactly: behind the wire it finds everything, stage by stage."""
    async with qdrant_wire() as port:
        settings = Settings(
            data_dir=tmp_path,
            qdrant_url="http://127.0.0.1:1",
            qdrant_grpc_port=port,
            _env_file=None,
        )
        figures = await million_figures(settings, 250, silent, asked=5)
    values = {figure.name: figure.value for figure in figures}
    assert values["vector index: recall@100 beside exact search"] == 100
    assert values["indexing 250 chunks"] > 0
    for stage in ("lexical", "vector", "fusion", "ledger", "passages"):
        assert values[f"stage {stage}, p95"] > 0


def test_the_million_needs_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which setting names one."""
    monkeypatch.delenv("WINNOW_TEST_QDRANT_URL", raising=False)
    assert main(["million", "--chunks", "10"]) == InvalidInput.exit_code


def test_a_burst_tells_answers_refusals_and_failures_apart() -> None:
    """Both 429 and 503 with Retry-After are overload's answers; anything else is a failure."""
    found = Burst(callers=2, seconds=2.0)
    for status in (200, 200, 429, 503, 500):
        found.take(Reply(status, {"degraded": []}, 0.05))
    values = Counter({figure.name: figure.value for figure in (*found.figures(), *found.shed())})
    assert values["2 at once: answers"] == 1.0
    assert values["2 at once: refused"] == 1.0
    assert values["2 at once: failed"] == 1.0
    assert values["2 at once: told to come back, p95"] == pytest.approx(50)


def test_what_does_not_start_says_why() -> None:
    """A server's own words."""
    with pytest.raises(BackendUnavailable, match="No module named"), server("", "no-such-server"):
        pass
    with server("http://given", "opensearch") as url:
        assert url == "http://given"


async def _load(url: str) -> Counter[str]:
    figures = await load_figures(url, silent, callers=(1, 4), seconds=0.5)
    return Counter({figure.name: figure.value for figure in figures})


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_load_is_answered_or_turned_away(tmp_path: Path) -> None:
    """A real server, bounded: nothing fails, and too many callers are told to come back."""
    environment = {
        "WINNOW_DATA_DIR": str(tmp_path),
        "WINNOW_BI_ENCODER": "hashing",
        "WINNOW_CROSS_ENCODER": "overlap",
        "WINNOW_MAX_CONCURRENT_SEARCHES": "2",
    }
    with api(environment) as (client, _):
        client.put("/v1/collections/bench").raise_for_status()
        document = {"text": "a tide of words", "language": "en"}
        stored = client.put("/v1/collections/bench/documents/a?wait=true", json=document)
        stored.raise_for_status()
        assert asyncio.run(_one(str(client.base_url))) == 200
        values = asyncio.run(_load(str(client.base_url)))
    assert values["4 at once: answers"] > 0
    assert values["128 at once: refused"] > 0
    assert not any(value for name, value in values.items() if name.endswith("failed"))


async def _one(url: str) -> int:
    async with Caller(url) as caller:
        return (await caller.search("bench", "tide")).status


@pytest.mark.servers
@pytest.mark.slow
def test_the_server_stack_is_measured_by_stage(tmp_path: Path) -> None:
    """OpenSearch, Redis, a worker and an API as processes: every stage has its time."""
    settings = Settings(
        data_dir=tmp_path, bi_encoder="hashing", cross_encoder="overlap", _env_file=None
    )
    figures = server_stack(settings, 100, silent, asked=5)
    names = {figure.name for figure in figures}
    for stage in ("lexical", "vector", "ledger", "window", "rerank", "passages", "HTTP"):
        assert {f"stage {stage}, p50", f"stage {stage}, p95"} <= names
    held = {figure.name: figure.at_most for figure in figures if figure.at_most}
    assert sorted(held.values()) == [3.0, 25.0, 60.0]
