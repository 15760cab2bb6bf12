"""The Dockerfile: everything that it copies is there and reaches the build."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from services.version import VERSION
from tests.infra.compose import FILES, REPOSITORY, services

DOCKERFILE = REPOSITORY / "infra/docker/Dockerfile"
INSTRUCTIONS = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()


def copied() -> list[str]:
    """What is copied from the repository, not from another stage."""
    found = []
    for line in INSTRUCTIONS:
        words = shlex.split(line, comments=True)
        if words[:1] == ["COPY"] and not any(word.startswith("--from=") for word in words):
            found += [word for word in words[1:-1] if not word.startswith("--")]
    return found


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_exists_and_is_not_ignored(source: str) -> None:
    """The build's context is empty but for what .dockerignore lets in."""
    assert (REPOSITORY / source).exists()
    allowed = [
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert any(source == entry or source.startswith(f"{entry}/") for entry in allowed)


def test_every_package_is_copied() -> None:
    """A package that pyproject names is in the images."""
    project = (REPOSITORY / "pyproject.toml").read_text()
    include = re.search(r"^include = \[(.*)\]$", project, re.MULTILINE)
    assert include is not None
    packages = re.findall(r'"(\w+)\*"', include[1])
    assert packages
    assert set(packages) <= set(copied())


def test_stages_exist_and_bases_are_pinned() -> None:
    """Targets of the compose files are stages; each image beneath has a whole version."""
    stages = set()
    for line in INSTRUCTIONS:
        match = re.fullmatch(r"FROM (\S+) AS (\S+)", line)
        if match:
            base, stage = match.groups()
            assert base in stages or re.search(r":\d+\.\d+\.\d+", base), base
            stages.add(stage)
    targets = {
        service["build"]["target"]
        for file in FILES
        for service in services(file).values()
        if "build" in service
    }
    assert targets == {"winnow", "worker-gpu"}
    assert targets <= stages


def test_images_run_as_nobody_in_particular() -> None:
    """No stage after the one that drops root takes it again."""
    users = [line for line in INSTRUCTIONS if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]


def test_torch_is_in_the_gpu_worker_alone() -> None:
    """Both locks have hashes, and only one has torch."""
    core = (REPOSITORY / "requirements/core.txt").read_text()
    torch = (REPOSITORY / "requirements/torch.txt").read_text()
    assert "--hash=sha256:" in core
    assert not re.search(r"^(torch|nvidia-\S+)==", core, re.MULTILINE)
    assert re.search(r"^torch==", torch, re.MULTILINE)
    pins = re.compile(r"^[\w.-]+==[^ \n]+", re.MULTILINE)
    assert set(pins.findall(core)) <= set(pins.findall(torch))
    assert torch.count("==") <= torch.count("--hash=")


def test_the_command_of_the_images_runs_anywhere(tmp_path: Path) -> None:
    """It hands its arguments on, and takes no module from the folder that it stands in."""
    (tmp_path / "cli.py").write_text("raise SystemExit('a stranger')")
    done = subprocess.run(
        [str(REPOSITORY / "infra/docker/winnow"), "--version"],
        cwd=tmp_path,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"winnow {VERSION}\n"), done.stderr
