"""One process owns the data directory.

The operating system's lock on ``lock`` decides; it goes with its process, however that
ends. ``owner.json`` only tells people and the command line whose lock it is.
"""

import asyncio
import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from services.embedded.files import write_aside
from services.errors import BackendUnavailable, DataDirectoryLocked

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a data directory.

    Attributes:
        url: where its HTTP API answers, "" for a process without one.
    """

    pid: int
    host: str
    started: datetime
    url: str = ""


class DataDirectoryLock:
    """Held from ``async with`` to its end."""

    def __init__(self, data_path: Path, *, wait_s: float = 10.0) -> None:
        self._data_path = data_path
        self._wait_s = wait_s
        self._file: IO[bytes] | None = None

    async def __aenter__(self) -> Self:
        """Take the lock.

        Raises:
            DataDirectoryLocked: another process kept it for ``wait_s`` seconds.
            BackendUnavailable: the directory cannot be written.
        """
        deadline_s = time.monotonic() + self._wait_s
        while (file := _try_lock(self._data_path)) is None:
            if time.monotonic() >= deadline_s:
                raise DataDirectoryLocked(_explain(self._data_path))
            await asyncio.sleep(_POLL_S)
        self._file = file
        _write_owner(self._data_path, "")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let it go."""
        if self._file is not None:
            _owner_path(self._data_path).unlink(missing_ok=True)
            self._file.close()
            self._file = None


def announce(data_path: Path, url: str) -> None:
    """Tell other processes where the owner's API answers; called by the owner alone.

    Where no store is embedded the directory has no owner, and nothing is to be told.
    """
    if find_owner(data_path) is not None:
        _write_owner(data_path, url)


def find_owner(data_path: Path) -> Owner | None:
    """Who holds the data directory now; None where nobody does.

    An owner that has not said who it is, in its first instant, is told by process 0.
    """
    if not _lock_path(data_path).exists():
        return None
    file = _try_lock(data_path, shared=True)
    if file is not None:
        file.close()
        return None
    return _read_owner(data_path) or Owner(0, "", datetime.now(UTC))


def _lock_path(data_path: Path) -> Path:
    return data_path / "lock"


def _owner_path(data_path: Path) -> Path:
    return data_path / "owner.json"


def _try_lock(data_path: Path, *, shared: bool = False) -> IO[bytes] | None:
    """The locked file, or None where another process has it; closing it lets the lock go.

    Args:
        data_path: the directory.
        shared: do not mind others that only ask, so that two who ask do not take each
            other for an owner.
    """
    try:
        data_path.mkdir(parents=True, exist_ok=True)
        file = _lock_path(data_path).open("ab")
    except OSError as error:
        raise BackendUnavailable(
            f"The data directory {data_path} cannot be written: {error}. Choose another with "
            "WINNOW_DATA_DIR, or change its permissions.",
            retry_after_s=None,
        ) from error
    try:
        _lock(file, shared=shared)
    except OSError:
        file.close()
        return None
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes], *, shared: bool) -> None:
        # Windows knows exclusive locks only: there two who ask may meet.
        del shared
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes], *, shared: bool) -> None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _write_owner(data_path: Path, url: str) -> None:
    known = _read_owner(data_path)
    started = known.started if known and known.pid == os.getpid() else datetime.now(UTC)
    owner = asdict(Owner(os.getpid(), socket.gethostname(), started, url))
    write_aside(_owner_path(data_path), json.dumps(owner | {"started": started.isoformat()}))


def _read_owner(data_path: Path) -> Owner | None:
    try:
        raw = json.loads(_owner_path(data_path).read_bytes())
        return Owner(raw["pid"], raw["host"], datetime.fromisoformat(raw["started"]), raw["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _explain(data_path: Path) -> str:
    owner = _read_owner(data_path)
    if owner is None:
        return f"Another process uses the data directory {data_path}: wait for it to end."
    if owner.url:
        advice = f"It serves {owner.url}: ask it there, or stop it first."
    else:
        advice = "Wait for it to end, or stop it."
    return (
        f"The data directory {data_path} is in use by process {owner.pid} on {owner.host} since "
        f"{owner.started:%Y-%m-%d %H:%M:%S} UTC. {advice}"
    )
