"""Processes that a benchmark needs beside its own: servers, ``winnow serve``, ``winnow worker``.

OpenSearch and Redis are those of the settings where a URL is set; else the ones that the
tests use are started, and ended with the benchmark.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from services.errors import BackendUnavailable

_REPOSITORY = Path(__file__).resolve().parents[2]
_START_S = 120.0
_STOP_S = 40.0


@contextmanager
def server(given: str, name: str) -> Iterator[str]:
    """A server's URL: the one that is given, or that of one started for the occasion.

    Args:
        given: a URL of the settings, "" where there is none.
        name: "opensearch" or "redis".

    Raises:
        BackendUnavailable: it did not start; says what it said.
    """
    if given:
        yield given
        return
    with _process([sys.executable, "-m", f"tests.servers.{name}"], {}) as process:
        yield _first_line(process, name)


@contextmanager
def winnow(
    environment: Mapping[str, str], *arguments: str, says: str
) -> Iterator[subprocess.Popen[str]]:
    """A running command of Winnow, once a line of what it says holds ``says``."""
    with _process([sys.executable, "-m", "cli", *arguments], environment) as process:
        _wait_for(process, says)
        yield process


@contextmanager
def api(environment: Mapping[str, str]) -> Iterator[tuple[httpx.Client, int]]:
    """A client of ``winnow serve`` on a free port, and the process's id."""
    with _process([sys.executable, "-m", "cli", "serve", "--port", "0"], environment) as process:
        url = _wait_for(process, "serves http").partition("serves ")[2].split()[0]
        with httpx.Client(base_url=url, timeout=30) as client:
            _wait_until(lambda: _ready(client), "winnow serve")
            yield client, process.pid


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is told to end, and waited for, on exit."""
    process = subprocess.Popen(  # noqa: S603  # our own command line
        command,
        cwd=_REPOSITORY,
        env=os.environ | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _first_line(process: subprocess.Popen[str], name: str) -> str:
    return _wait_for(process, "://", name).strip()


def _wait_for(process: subprocess.Popen[str], words: str, name: str = "winnow") -> str:
    """The first line that holds the words; what a process says before it ends says why."""
    said = []
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    for line in process.stdout:
        if words in line:
            return line
        said.append(line)
    raise BackendUnavailable(f"{name} did not start. It said: {''.join(said)[-2_000:]}")


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def _wait_until(holds: Callable[[], bool], what: str) -> None:
    give_up_s = time.monotonic() + _START_S
    while time.monotonic() < give_up_s:
        if holds():
            return
        time.sleep(0.1)
    raise BackendUnavailable(f"{what} did not become ready: run it by hand to see why.")
