"""One process owns the data directory."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.embedded.lock import DataDirectoryLock, announce, find_owner
from services.errors import BackendUnavailable, DataDirectoryLocked

_HOLD = """
import asyncio, sys
from pathlib import Path
from services.embedded.lock import DataDirectoryLock, announce

async def hold():
    async with DataDirectoryLock(Path(sys.argv[1])):
        announce(Path(sys.argv[1]), "http://127.0.0.1:8123")
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def _holder(folder: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


async def test_the_owner_is_known_while_it_holds(tmp_path: Path) -> None:
    """Its process, its start and its address; nobody before and after."""
    folder = tmp_path / "new" / "data"
    assert find_owner(folder) is None
    async with DataDirectoryLock(folder):
        owner = find_owner(folder)
        assert owner is not None
        assert (owner.pid, owner.url) == (os.getpid(), "")
        announce(folder, "http://127.0.0.1:8000")
        announced = find_owner(folder)
        assert announced is not None
        assert (announced.url, announced.started) == ("http://127.0.0.1:8000", owner.started)
    assert find_owner(folder) is None


async def test_asking_is_not_owning(tmp_path: Path) -> None:
    """Several processes may ask at once, and none of them is told for an owner."""
    async with DataDirectoryLock(tmp_path):
        pass
    asked = [asyncio.to_thread(find_owner, tmp_path) for _ in range(200)]
    assert set(await asyncio.gather(*asked)) == {None}


async def test_a_second_owner_waits_and_is_told(tmp_path: Path) -> None:
    """The message names the process and what to do."""
    async with DataDirectoryLock(tmp_path):
        with pytest.raises(DataDirectoryLocked, match=f"process {os.getpid()} on .* since"):
            async with DataDirectoryLock(tmp_path, wait_s=0.2):
                pass


async def test_the_lock_is_taken_when_it_is_let_go(tmp_path: Path) -> None:
    """Who waits goes on as soon as the owner is done."""
    released = asyncio.Event()

    async def wait_for_it() -> None:
        async with DataDirectoryLock(tmp_path, wait_s=30):
            assert released.is_set()

    async with DataDirectoryLock(tmp_path):
        waiting = asyncio.create_task(wait_for_it())
        await asyncio.sleep(0.2)
        released.set()
    await waiting


def test_a_killed_owner_is_no_obstacle(tmp_path: Path) -> None:
    """While it lives it is told with its address; the file it leaves behind says nothing."""

    async def take() -> None:
        async with DataDirectoryLock(tmp_path, wait_s=0.2):
            pass

    with _holder(tmp_path) as child:
        owner = find_owner(tmp_path)
        assert owner is not None
        assert (owner.pid, owner.url) == (child.pid, "http://127.0.0.1:8123")
        with pytest.raises(DataDirectoryLocked, match=r"It serves http://127\.0\.0\.1:8123"):
            asyncio.run(take())
        child.kill()
    assert (tmp_path / "owner.json").exists()
    assert find_owner(tmp_path) is None
    asyncio.run(take())


async def test_a_damaged_owner_file_is_no_obstacle(tmp_path: Path) -> None:
    """The lock decides; the message does without a name."""
    async with DataDirectoryLock(tmp_path):
        (tmp_path / "owner.json").write_text("{", encoding="utf-8")
        assert find_owner(tmp_path) is not None
        with pytest.raises(DataDirectoryLocked, match="Another process"):
            async with DataDirectoryLock(tmp_path, wait_s=0):
                pass


async def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(BackendUnavailable, match="WINNOW_DATA_DIR"):
        async with DataDirectoryLock(tmp_path / "data"):
            pass
