"""Small files that are whole or not there, even after a crash."""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Put the content in the file's place at once and for good."""
    aside = path.with_name(path.name + ".new")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames and removals in the folder last; nothing where the system cannot."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
