"""Fixtures for several areas: the winnow command as a real process, and an OpenSearch node."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.servers.opensearch import CannotStart, opensearch_node

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "cli")
TIMEOUT_S = 60

# A shell's background job has Ctrl-C switched off, and so would the commands that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True, slots=True)
class Winnow:
    """Runs commands on one data directory."""

    data_dir: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        **environment: str,
    ) -> "Finished":
        """A command's end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """A running command, its standard error readable."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left: nothing of Python's inner life may be in it."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err + self.out, self.err

    def json(self) -> Any:
        """Standard output as the one JSON value that it must be."""
        return json.loads(self.out)


@pytest.fixture
def winnow(tmp_path: Path) -> Winnow:
    """The command on an empty data directory, in an empty working directory."""
    return winnow_in(tmp_path)


def winnow_in(folder: Path) -> Winnow:
    """The command on a data directory of its own below ``folder``."""
    working = folder / "work"
    working.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WINNOW_")}
    own = {
        "WINNOW_DATA_DIR": str(folder / "data"),
        "WINNOW_BI_ENCODER": "hashing",
        "WINNOW_CROSS_ENCODER": "overlap",
        "WINNOW_HUB": "false",
        # A busy machine must not make an answer a degraded one.
        "WINNOW_DEADLINE_MS": "60000",
        "WINNOW_BUDGET_MS": "60000",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    return Winnow(folder / "data", working, kept | own)


@pytest.fixture(scope="session")
def opensearch_url() -> Iterator[str]:
    """The address of one real node for all tests of a run."""
    try:
        with opensearch_node() as url:
            yield url
    except CannotStart as error:
        pytest.fail(str(error), pytrace=False)
