"""Files that commands write whole or not at all, and read in parts."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.errors import InvalidInput

STANDARD = "-"
"""Names standard input or output."""

_PART_BYTES = 2**20


async def parts_of(path: Path) -> AsyncIterator[bytes]:
    """The bytes of a file, a megabyte at a time."""
    with path.open("rb") as file:
        while part := await asyncio.to_thread(file.read, _PART_BYTES):
            yield part


async def write_whole(target: str, parts: AsyncIterator[bytes]) -> int:
    """Write to a file, or to standard output for ``-``; returns how many bytes.

    A file takes its name once all of it is on the disk: what breaks off leaves the one that was
    there, if any.

    Raises:
        InvalidInput: the file cannot be written, or standard output is a terminal.
    """
    if target == STANDARD:
        if sys.stdout.isatty():
            raise InvalidInput("A backup is no text: send it to a file or another program.")
        return await _write(sys.stdout.fileno(), parts)
    path = Path(target)
    partial = path.with_name(f"{path.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise InvalidInput(f"Cannot write {partial}: {error.strerror or error}.") from None
    try:
        try:
            size = await _write(descriptor, parts)
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return size


@contextmanager
def readable(source: str) -> Iterator[Path]:
    """A file that can be read twice: the named one, or what standard input brings for ``-``.

    Raises:
        InvalidInput: there is no such file.
    """
    if source != STANDARD:
        path = Path(source)
        if not path.is_file():
            raise InvalidInput(f"There is no file {source}.")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        path = Path(folder) / "standard-input"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path


async def _write(descriptor: int, parts: AsyncIterator[bytes]) -> int:
    size = 0
    async for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[await asyncio.to_thread(os.write, descriptor, rest) :]
        size += len(part)
    return size
