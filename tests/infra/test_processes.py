"""Each command of the compose file, as a process on this machine."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import Winnow
from tests.infra.compose import REPOSITORY, environment, services
from tests.infra.test_compose import KEYS
from tests.servers.redis import RedisServer
from tests.workers.conftest import WorkerProcess

# Servers of the file that are not here; without their URLs the same command embeds them.
SERVERS = ("OPENSEARCH_URL", "QDRANT_URL", "CACHE_URL", "BROKER_URL")
START_S = 30


def arguments(name: str) -> list[str]:
    """A service's command without the name of the program, which the image finds."""
    program, *rest = services()[name]["command"]
    assert program == "winnow"
    return rest


@contextmanager
def api(winnow: Winnow, **changed: str) -> Iterator[str]:
    """The API as the file starts it, with its keys, on a free port; its address."""
    given = {
        name: value
        for name, value in environment("api", KEYS).items()
        if name.removeprefix("WINNOW_") not in SERVERS
    }
    process = winnow.start(*arguments("api"), **given, WINNOW_PORT="0", **changed)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            match = re.search(rb"serves (http://127\.0\.0\.1:\d+)", line)
            if match:
                url = match[1].decode()
                wait_until_live(url)
                yield url
                break
        else:
            pytest.fail("The API did not start.")
    finally:
        process.terminate()
        process.communicate(timeout=40)
    assert process.returncode == 0


def wait_until_live(url: str) -> None:
    """The address is told a moment before it is listened on."""
    deadline_s = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{url}/livez")
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline_s, "the API does not answer"
            time.sleep(0.02)


def checked(test: list[str], port: str, url: str) -> int:
    """The exit code of a health check, with the port of the file replaced by a real one."""
    kind, program, *rest = (part.replace("$$", "$") for part in test)
    assert kind == "CMD"
    program = sys.executable if program == "python" else program
    rest = [part.replace(port, url.rpartition(":")[2]) for part in rest]
    return subprocess.run([program, *rest], capture_output=True, timeout=30, check=False).returncode


def test_the_api_starts_and_its_health_check_passes(winnow: Winnow) -> None:
    """Keys are asked for, /livez answers, the command line reaches it as `cli` does."""
    health = services()["api"]["healthcheck"]["test"]
    # Qdrant's check speaks HTTP through bash: any server that has /readyz can answer it.
    qdrant = services()["qdrant"]["healthcheck"]["test"]
    with api(winnow) as url:
        assert httpx.get(f"{url}/livez").json() == {"status": "alive"}
        assert httpx.get(f"{url}/metrics").status_code == 401
        bearer = {"Authorization": f"Bearer {KEYS['WINNOW_SEARCH_KEY']}"}
        assert httpx.get(f"{url}/metrics", headers=bearer).status_code == 200
        assert checked(health, "8000", url) == 0
        assert checked(qdrant, "6333", url) == 0
        document = winnow.folder / "tide.txt"
        document.write_text("The tide rises twice a day.")
        # A container of `cli` can write nowhere: no directory can be made below a file.
        given = environment("cli", KEYS) | {
            "WINNOW_SERVER": url,
            "WINNOW_DATA_DIR": str(document / "data"),
        }
        ingested = winnow("ingest", str(document), **given)
        assert ingested.code == 0, ingested.err
        found = winnow("search", "tide", "--json", **given)
        assert "tide" in found.out
        assert winnow("doctor", **given).code == 0
    assert checked(health, "8000", url) != 0
    assert checked(qdrant, "6333", url) != 0


def test_the_api_refuses_to_serve_strangers_without_keys(winnow: Winnow) -> None:
    """What compose would hand on if nobody had set the keys is no way in."""
    done = winnow(*arguments("api"), WINNOW_PORT="0")
    assert done.code == 2
    assert "WINNOW_SEARCH_KEY" in done.err


def test_the_command_line_tells_what_it_can(winnow: Winnow) -> None:
    """`docker compose run --rm cli` without more."""
    service = services()["cli"]
    assert service["entrypoint"] == ["winnow"]
    done = winnow(*service["command"], **environment("cli", KEYS))
    assert done.code == 0
    assert "ingest" in done.out


@pytest.mark.parametrize("service", ["worker", "ingest"])
def test_a_worker_without_its_broker_ends_so_that_it_is_started_again(
    winnow: Winnow, service: str
) -> None:
    """Exit code 4, a sentence, and no success that a restart policy might take for one."""
    given = environment(service, KEYS) | {"WINNOW_BROKER_URL": "redis://127.0.0.1:1/0"}
    done = winnow(*arguments(service), **given)
    assert done.code == 4
    assert "broker" in done.err


@pytest.mark.servers
def test_redis_takes_the_commands_and_the_worker_its_health_check(
    tmp_path: Path, winnow: Winnow
) -> None:
    """Broker and cache run with the file's options; a worker is healthy once it is ready."""
    for name, policy in (("broker", b"noeviction"), ("cache", b"allkeys-lru")):
        program, *options = services()[name]["command"]
        assert program == "redis-server"
        folder = tmp_path / name
        folder.mkdir()
        with RedisServer(folder, *options) as server:
            assert setting(server, "maxmemory-policy") == policy
            assert setting(server, "maxmemory") == str(256 * 2**20).encode()
            expected = b"yes" if name == "broker" else b"no"
            assert setting(server, "appendonly") == expected
            if name == "broker":
                check_worker_health(winnow, server)


def setting(server: RedisServer, name: str) -> bytes:
    """A setting of a running Redis."""
    from redis import Redis

    with Redis.from_url(server.url) as client:
        values: dict[str, str] = client.config_get(name)  # type: ignore[assignment]
    return values[name].encode()


def check_worker_health(winnow: Winnow, server: RedisServer) -> None:
    """Unhealthy without a worker, healthy with one."""
    kind, program, script = services()["worker"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    path = REPOSITORY / Path(script).relative_to("/app")

    def healthy() -> bool:
        return not subprocess.run(
            [sys.executable, str(path)],
            env=winnow.environment | {"WINNOW_BROKER_URL": server.url},
            capture_output=True,
            timeout=30,
            check=False,
        ).returncode

    assert not healthy()
    worker = WorkerProcess(winnow, server.url)
    assert [*worker.arguments[-3:]] == arguments("worker")
    try:
        worker.start()
        assert healthy()
    finally:
        worker.kill()
