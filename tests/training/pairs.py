"""Pairs that a small model can learn something from, of our own making."""

import json
import random
from pathlib import Path

_THINGS = [
    "river",
    "mountain",
    "engine",
    "violin",
    "garden",
    "planet",
    "castle",
    "bridge",
    "forest",
    "harbour",
    "market",
    "library",
    "theatre",
    "desert",
    "island",
]
_DEEDS = ["flows", "grows", "turns", "sings", "sleeps", "shines"]


def write_pairs(folder: Path, count: int = 48) -> Path:
    """A pairs.jsonl whose negatives share most words with what answers."""
    chance = random.Random(1)  # noqa: S311  # must be repeatable
    rows = []
    for number in range(count):
        thing, other = chance.sample(_THINGS, 2)
        deed = chance.choice(_DEEDS)
        rows.append(
            {
                "query": f"where the {thing} {deed} {number}",
                "positive": f"The {thing} {deed} beside the {other}, {number} days a year.",
                "negatives": [f"A {thing} never {deed}, says number {number}."],
            }
        )
    file = folder / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file
