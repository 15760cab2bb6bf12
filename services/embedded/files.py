"""Small files that are always whole."""

import os
from pathlib import Path


def write_aside(path: Path, content: str) -> None:
    """Replace a file in one step: readers and crashes see the old content or the new."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(content, encoding="utf-8")
    aside.replace(path)
