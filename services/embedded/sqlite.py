"""SQLite as the embedded stores use it: WAL, explicit transactions, a format number."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.errors import BackendUnavailable, DataFormatUnsupported

_BUSY_TIMEOUT_S = 10.0


def connect(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """Open a database file in WAL mode, outside any transaction.

    Args:
        path: the file; its folder is there.
        durable: every commit reaches the disk before it returns (``synchronous=FULL``:
            acknowledged writes survive a power cut, at one fsync a commit); otherwise
            they survive the death of the process only.
    """
    with translated(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


def prepare(
    connection: sqlite3.Connection,
    path: Path,
    version: int,
    schema: str,
    upgrades: Mapping[int, str] | None = None,
) -> None:
    """Create the tables in a new file, or bring an older one to this format.

    Args:
        upgrades: by format number, the statements that lead to the next; each step is one
            transaction, so that a crash leaves a whole format.

    Raises:
        DataFormatUnsupported: the file's format number is above ``version``.
    """
    with translated(path):
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > version:
            raise DataFormatUnsupported(
                f"{path} has format {found}; this Winnow reads up to {version}. "
                "Upgrade Winnow, or choose another data directory.",
                retry_after_s=None,
            )
        if found == 0:
            _reformat(connection, schema, version)
            return
        for step in range(found, version):
            _reformat(connection, (upgrades or {})[step], step + 1)


def _reformat(connection: sqlite3.Connection, statements: str, version: int) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {statements} PRAGMA user_version = {version}; COMMIT;"
    )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction: committed as a whole, or rolled back where anything is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into BackendUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        raise BackendUnavailable(
            f"The database {path} failed: {error}. Check that its disk has room and that "
            "Winnow may write there."
        ) from error
