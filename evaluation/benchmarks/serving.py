"""Memory of a serving process, as its users would see it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.texts import queries
from services.errors import BackendUnavailable
from services.settings import Settings

_MOST_MIB = 1_000
_SEARCHES = 30
_START_S = 60.0


def serving_memory(settings: Settings, chunks: int) -> list[Figure]:
    """Resident memory of ``winnow serve`` after searches that used both models."""
    with _server(settings) as (process, client):
        for query in queries(_SEARCHES, seed=99):
            client.post("/v1/collections/bench/search", json={"query": query}).raise_for_status()
        resident_mib = _resident_kib(process.pid) / 1_024
    return [
        Figure(
            f"memory of the serving process, both models, {chunks:,} chunks",
            resident_mib,
            "MiB",
            at_most=_MOST_MIB,
        )
    ]


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = _free_port()
    environment = os.environ | {
        "WINNOW_DATA_DIR": str(settings.data_path),
        "WINNOW_CROSS_ENCODER": settings.cross_encoder,
        "WINNOW_BI_ENCODER": settings.bi_encoder,
    }
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  # our own command line
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait_until_ready(process, client)
            yield process, client
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    give_up_s = time.monotonic() + _START_S
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise BackendUnavailable("winnow serve did not become ready: run it by hand to see why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _resident_kib(pid: int) -> int:
    """Resident set size, by ps, which Linux and macOS both have."""
    shown = subprocess.run(  # noqa: S603  # a number of ours
        ["ps", "-o", "rss=", "-p", str(pid)],  # noqa: S607  # wherever ps lies
        check=True,
        capture_output=True,
        text=True,
    )
    return int(shown.stdout)
