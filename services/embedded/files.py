"""Small files that are always whole, and the folders of generations."""

import os
from collections.abc import Collection
from pathlib import Path

from services.generations import Generation, names_generation


def write_aside(path: Path, content: str) -> None:
    """Replace a file in one step: readers and crashes see the old content or the new."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(content, encoding="utf-8")
    aside.replace(path)


def folders_of_others(path: Path, known: Collection[Generation]) -> list[str]:
    """Names of generations' folders that belong to none of these, in order."""
    kept = {generation.name for generation in known}
    found = (each.name for each in path.glob("*") if each.is_dir())
    return sorted(name for name in found if names_generation(name) and name not in kept)
