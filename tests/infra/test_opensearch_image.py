"""The tests' node from the image: what Docker is asked, and what happens where there is none."""

import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.compose import services
from tests.servers import stand_in_docker
from tests.servers.opensearch import opensearch_server
from tests.servers.opensearch_image import (
    IMAGE,
    DockerFailed,
    OpenSearchContainer,
    image_at_hand,
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder before all others on the path; nothing is remembered of Docker."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    image_at_hand.cache_clear()
    yield tmp_path
    image_at_hand.cache_clear()


def put_docker(path: Path, script: str) -> None:
    """A ``docker`` of our own."""
    (path / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (path / "docker").chmod(0o755)


def answers(url: str) -> bool:
    """Whether somebody answers there, soon."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  # our own address
            return bool(answer.read())
    except OSError:
        return False


def test_where_docker_is_at_hand_the_image_is_run(path: Path) -> None:
    """Published on this machine alone; it can be stopped and continued, and goes at the end."""
    script = Path(stand_in_docker.__file__)
    put_docker(path, f'echo "$@" >> {path}/asked; exec {sys.executable} {script} "$@"')
    with opensearch_server(path) as server:
        assert isinstance(server, OpenSearchContainer)
        assert answers(server.url)
        server.hang()
        assert not answers(server.url)
        server.resume()
        assert answers(server.url)
    assert not answers(server.url)
    asked = (path / "asked").read_text()
    assert f"--publish 127.0.0.1:{server.port}:9200" in asked
    assert f" {IMAGE}\n" in asked
    assert services()["opensearch"]["image"] == IMAGE
    assert "rm --force --volumes" in asked


def test_a_docker_without_the_image_is_passed_over(path: Path) -> None:
    """Or one whose server does not run, which then cannot tell."""
    put_docker(path, "case $1 in image) echo no >&2; exit 1;; esac")
    assert not image_at_hand()


def test_a_container_that_is_refused_is_told(path: Path) -> None:
    """In Docker's own words."""
    put_docker(path, "case $1 in run) echo no room >&2; exit 125;; esac")
    assert image_at_hand()
    with pytest.raises(DockerFailed, match="no room"):
        OpenSearchContainer().start()
