"""Pairs of a query and a passage from the docstrings of the installed Python.

A summary line asks for the rest of its docstring, and a few words of a docstring ask for
all of it. Modules are split by name into those for training and those held out.
"""

import ast
import random
import re
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LEFT_OUT = {"test", "tests", "idlelib", "site-packages", "lib2to3", "turtledemo", "idle_test"}
_FEWEST_WORDS = 16
_MOST_CHARACTERS = 600
_WORD = re.compile(r"[A-Za-z]{3,}")


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring: where it stands, its first line and the rest."""

    module: str
    name: str
    summary: str
    body: str

    @property
    def held_out(self) -> bool:
        """Whether its module is kept for testing: one in eight."""
        return zlib.crc32(self.module.encode()) % 8 == 0


@dataclass(frozen=True, slots=True)
class Example:
    """A query, the passage that answers it, and passages that do not."""

    query: str
    positive: str
    negatives: tuple[str, ...]


def read_docstrings() -> list[Docstring]:
    """Every docstring of the standard library that has a summary and a body."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found: dict[str, Docstring] = {}
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if not _LEFT_OUT.intersection(parts):
            for docstring in _of_file(file, ".".join(parts)):
                found.setdefault(docstring.body, docstring)
    return list(found.values())


def make_examples(docstrings: list[Docstring], negatives: int, seed: int) -> list[Example]:
    """One example a docstring; half of the negatives come from near modules."""
    chance = random.Random(seed)  # noqa: S311  # must be repeatable
    examples = []
    for place, docstring in enumerate(docstrings):
        by_summary = chance.random() < 0.5 and len(_WORD.findall(docstring.summary)) > 2
        others = []
        while len(others) < negatives:
            near = len(others) % 2 == 0
            step = chance.randint(1, 12) if near else chance.randrange(1, len(docstrings))
            others.append(docstrings[(place + step) % len(docstrings)].body)
        query = docstring.summary if by_summary else _some_words(docstring.body, chance)
        examples.append(Example(query, docstring.body, tuple(others)))
    return examples


def _some_words(text: str, chance: random.Random) -> str:
    words = list(dict.fromkeys(_WORD.findall(text)))
    return " ".join(chance.sample(words, min(len(words), chance.randint(2, 5))))


def _of_file(file: Path, module: str) -> Iterator[Docstring]:
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            continue
        summary, _, body = (ast.get_docstring(node) or "").partition("\n")
        body = " ".join(body.split())[:_MOST_CHARACTERS]
        if len(_WORD.findall(body)) >= _FEWEST_WORDS:
            yield Docstring(module, getattr(node, "name", module), summary.strip(), body)
