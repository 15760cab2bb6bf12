"""Qdrant's gRPC interface over local mode, as a process that a test may kill and stop."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.process import ServerProcess

_REPOSITORY = Path(__file__).resolve().parents[2]
_START_S = 60


class QdrantProcess(ServerProcess):
    """``tests.servers.qdrant_wire`` on one port for ever."""

    def __init__(self, folder: Path | None = None) -> None:
        """What it holds survives its death in the folder; without one it is faster."""
        super().__init__()
        self._place = () if folder is None else (str(folder),)

    def start(self) -> None:
        """Start it and wait until it listens."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        module = ("-m", "tests.servers.qdrant_wire")
        self._process = subprocess.Popen(
            [sys.executable, *module, str(self.port), *self._place],
            cwd=_REPOSITORY,
            stdin=subprocess.DEVNULL,
        )
        deadline_s = time.monotonic() + _START_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail("The stand-in for Qdrant did not start.")
            time.sleep(0.05)

    def refuse_half(self) -> None:
        """Every second request is answered by an error."""
        self._signal(signal.SIGUSR1)

    def refuse_none(self) -> None:
        """As before."""
        self._signal(signal.SIGUSR2)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        except OSError:
            return False
