"""OpenSearch's image of the compose file in a container, where Docker is at hand.

``python -m tests.servers.opensearch_image`` prints the image's name.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cache

from tests.infra.compose import services

IMAGE: str = services()["opensearch"]["image"]

# As the compose file has it, but for a smaller heap that is not locked.
_ENVIRONMENT = {
    "discovery.type": "single-node",
    "DISABLE_SECURITY_PLUGIN": "true",
    "DISABLE_INSTALL_DEMO_CONFIG": "true",
    "action.auto_create_index": "false",
}
_ANSWER_S = 20
_START_S = 120


class DockerFailed(Exception):
    """Docker did not do what it was asked; the message is its own."""


class OpenSearchContainer:
    """A node that a test may kill, stop, continue and start again with what it holds."""

    def __init__(self, heap: str = "512m") -> None:
        """``heap``: what Java gets, as it writes sizes."""
        self._heap = heap
        self._container = ""
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers, on the same port each time.

        Raises:
            DockerFailed: no container, or none that answers.
        """
        if self._container:
            _docker("start", self._container)
        else:
            self._run()
        self._wait()

    def kill(self) -> None:
        """End it at once, as a crash would; what it holds stays."""
        _docker("kill", self._container)

    def hang(self) -> None:
        """Stop it: connections stay open and nothing answers."""
        _docker("pause", self._container)

    def resume(self) -> None:
        """Let it go on."""
        _docker("unpause", self._container)

    def remove(self) -> None:
        """End it for good."""
        if self._container:
            _docker("rm", "--force", "--volumes", self._container)
            self._container = ""

    def _run(self) -> None:
        self.port = _free_port()
        given = _ENVIRONMENT | {
            "cluster.name": self._cluster,
            "OPENSEARCH_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap}",
        }
        settings = [part for pair in given.items() for part in ("--env", "=".join(pair))]
        publish = ("--publish", f"127.0.0.1:{self.port}:9200")
        self._container = _docker("run", "--detach", *publish, *settings, IMAGE).strip()

    @property
    def _cluster(self) -> str:
        return f"winnow-test-{self.port}"

    def _wait(self) -> None:
        asked = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=5s"
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s:
            try:
                with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  # our own address
                    if json.load(answer)["cluster_name"] == self._cluster:
                        return
            except (urllib.error.URLError, OSError, ValueError):
                time.sleep(0.2)
        said = _docker("logs", "--tail", "20", self._container)
        raise DockerFailed(f"{IMAGE} did not answer in {_START_S} s. It said: {said}")


@cache
def image_at_hand() -> bool:
    """Whether Docker runs here and has the image, which scripts/test fetches."""
    if shutil.which("docker") is None:
        return False
    try:
        _docker("image", "inspect", IMAGE)
    except DockerFailed:
        return False
    return True


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607  # whichever the path has
            capture_output=True,
            text=True,
            timeout=_ANSWER_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DockerFailed(f"docker {arguments[0]}: {error}") from error
    if done.returncode:
        raise DockerFailed(f"docker {arguments[0]}: {done.stderr[-2_000:]}")
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.stdout.write(f"{IMAGE}\n")
