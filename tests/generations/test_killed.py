"""A builder may die anywhere; the next process goes on where it was."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.service import Indexer
from services.assembly import open_services
from services.generations import GenerationState
from tests.generations.examples import check_clean
from tests.indexer.conftest import settings_in

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("step", "count", "at_most"),
    [("lexical", 4, 70), ("vectors", 1, 90), ("marked", 4, 45)],
)
async def test_a_killed_build_is_resumed(
    tmp_path: Path, step: str, count: int, at_most: int
) -> None:
    """What was marked is not built again, what was not is, and all three agree in the end."""
    command = [sys.executable, "-m", "tests.generations.killed", str(tmp_path), step, str(count)]
    killed = subprocess.run(command, cwd=ROOT, check=False, timeout=110)  # noqa: ASYNC221
    assert killed.returncode == -signal.SIGKILL
    async with open_services(settings_in(tmp_path)) as services:
        indexer = Indexer(services)
        _, build = await indexer.generations.list("books")
        assert build.generation.state is GenerationState.BUILDING
        assert 0 < build.pending <= at_most
        await indexer.index_pending("books")
        _, build = await indexer.generations.list("books")
        assert build.generation.state is GenerationState.READY
        await check_clean(services)
        await indexer.close()
