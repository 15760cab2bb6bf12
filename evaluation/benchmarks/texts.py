"""English text that every machine has: sentences of the standard library's docstrings."""

import importlib
import inspect
import random
import re
from collections.abc import Iterator, Sequence
from functools import cache

_MODULES = (
    "argparse", "ast", "asyncio", "calendar", "collections", "configparser", "contextlib",
    "csv", "datetime", "decimal", "difflib", "email.message", "functools", "heapq", "http.client",
    "inspect", "ipaddress", "itertools", "json", "logging", "math", "multiprocessing", "os",
    "pathlib", "pickle", "queue", "random", "re", "sched", "shutil", "socket", "sqlite3", "ssl",
    "statistics", "string", "subprocess", "tarfile", "tempfile", "textwrap", "threading",
    "types", "unittest", "urllib.request", "uuid", "xml.dom", "zipfile",
)  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_SHORTEST_WORDS = 5


def passages(count: int, words: int, seed: int = 0) -> list[str]:
    """Passages of about so many words, no two alike; equal arguments give equal texts."""
    chance = random.Random(seed)  # noqa: S311  # sampling text, not secrets
    return [_passage(words, chance) for _ in range(count)]


def queries(count: int, seed: int = 1) -> list[str]:
    """Queries of four to eight words, taken together from sentences."""
    chance = random.Random(seed)  # noqa: S311  # sampling text, not secrets
    found: dict[str, None] = {}
    while len(found) < count:
        drawn = _LETTERS.findall(chance.choice(_sentences()))
        size = chance.randint(4, 8)
        start = chance.randint(0, max(len(drawn) - size, 0))
        found[" ".join(drawn[start : start + size])] = None
    return list(found)


def _passage(words: int, chance: random.Random) -> str:
    taken: list[str] = []
    # Lengths vary as those of real chunks do: half as long to half as long again.
    wanted = words * chance.uniform(0.5, 1.5)
    while sum(len(sentence.split()) for sentence in taken) < wanted:
        taken.append(chance.choice(_sentences()))
    return " ".join(" ".join(taken).split()[: round(wanted)])


@cache
def _sentences() -> Sequence[str]:
    found: dict[str, None] = {}
    for name in _MODULES:
        for docstring in _docstrings(name):
            for sentence in _SENTENCE.split(" ".join(docstring.split())):
                if len(_LETTERS.findall(sentence)) >= _SHORTEST_WORDS:
                    found[sentence] = None
    return tuple(found)


def _docstrings(module_name: str) -> Iterator[str]:
    module = importlib.import_module(module_name)
    yield module.__doc__ or ""
    for member in vars(module).values():
        if inspect.isclass(member) or inspect.isroutine(member):
            yield inspect.getdoc(member) or ""
        if inspect.isclass(member):
            for method in vars(member).values():
                if inspect.isroutine(method):
                    yield inspect.getdoc(method) or ""
