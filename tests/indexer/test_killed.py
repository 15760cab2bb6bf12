"""A process may die at any step; the next one ends in the same state."""

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.service import Indexer
from services.assembly import open_services
from services.documents import Chunk, ChunkRef
from tests.indexer.conftest import settings_in
from tests.indexer.interrupted import ingest
from tests.indexer.stacks import State, check_congruent, state_of

ROOT = Path(__file__).parents[2]


async def _uninterrupted(folder: Path) -> State:
    async with open_services(settings_in(folder)) as services:
        indexer = Indexer(services)
        await ingest(indexer)
        await indexer.close()
        return await state_of(services, "books")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> State:
    """What an ingestion that nobody kills ends in."""
    return asyncio.run(_uninterrupted(tmp_path_factory.mktemp("whole")))


def contents(state: State) -> tuple[dict[str, str], dict[ChunkRef, Chunk]]:
    """Documents and chunks without their versions, which count the attempts too."""
    return (
        {key: content for key, (_, content) in state.ledger.items()},
        {ref: replace(chunk, version=0) for ref, chunk in state.chunks.items()},
    )


@pytest.mark.parametrize(
    ("step", "count"),
    [
        ("accepted", 3), ("embedded", 1), ("lexical", 1), ("vectors", 2), ("marked", 1),
        ("lexical", 3),
    ],
)  # fmt: skip
async def test_a_killed_ingestion_is_resumed(
    tmp_path: Path, uninterrupted: State, step: str, count: int
) -> None:
    """What is pending is drained, both engines agree, and running it again ends the same."""
    command = [sys.executable, "-m", "tests.indexer.interrupted", str(tmp_path), step, str(count)]
    killed = subprocess.run(command, cwd=ROOT, check=False, timeout=100)  # noqa: ASYNC221
    assert killed.returncode == -signal.SIGKILL
    async with open_services(settings_in(tmp_path)) as services:
        indexer = Indexer(services)
        await indexer.index_pending("books")
        drained = await state_of(services, "books")
        check_congruent(drained)
        assert drained.ledger
        await ingest(indexer)
        state = await state_of(services, "books")
        check_congruent(state)
        assert contents(state) == contents(uninterrupted)
        await indexer.close()
