"""Qdrant's gRPC interface over local mode, as a process that a test may kill and stop."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_START_S = 60


class QdrantProcess:
    """``tests.servers.qdrant_wire`` on one port for ever."""

    def __init__(self, folder: Path | None = None) -> None:
        """What it holds survives its death in the folder; without one it is faster."""
        self._place = () if folder is None else (str(folder),)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

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

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stop it (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def refuse_half(self) -> None:
        """Every second request is answered by an error."""
        self._signal(signal.SIGUSR1)

    def refuse_none(self) -> None:
        """As before."""
        self._signal(signal.SIGUSR2)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        except OSError:
            return False
