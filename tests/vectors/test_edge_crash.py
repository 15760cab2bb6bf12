"""What was acknowledged survives a process that is killed in the middle of its writes."""

import asyncio
import sys
from pathlib import Path

from services.embedded.vectors import EdgeStore
from services.queries import Scope
from tests.embedded.killing import kill_after
from tests.vectors.examples import direction, entry, generation, query

_CHUNKS = 3
_MODULE = "tests.vectors.test_edge_crash"


async def write_for_ever(folder: Path) -> None:
    """Write documents one after the other and say each version once it is acknowledged."""
    index = await EdgeStore(folder).open(generation())
    number = 0
    while True:
        number += 1
        await index.write(
            [
                entry(f"{number:06}", [direction(1.0)] * _CHUNKS),
                entry("rewritten", [direction(1.0)] * (number * 7 % 40), version=number),
            ],
            [],
        )
        print(number, flush=True)  # noqa: T201


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Every acknowledged document is found with all its chunks, and writes go on.

    A document that was being rewritten keeps no chunk of the write that was cut short.
    """
    acknowledged = kill_after(_MODULE, tmp_path, 60)

    async def inspect() -> None:
        store = EdgeStore(tmp_path)
        index = await store.open(generation())
        stored = await index.versions("", 10_000)
        names = [f"{number:06}" for number in range(1, acknowledged + 1)]
        assert [version.document_id for version in stored][:acknowledged] == names
        found = await index.search(query(1.0), Scope(), 10_000)
        counted = dict.fromkeys(names, 0)
        for hit in found:
            counted[hit.ref.document_id] = counted.get(hit.ref.document_id, 0) + 1
        assert {counted[name] for name in names} == {_CHUNKS}
        await index.write([entry("rewritten", [direction(1.0)], version=1_000_000)], [])
        found = await index.search(query(1.0), Scope(), 10_000)
        left = [hit for hit in found if hit.ref.document_id == "rewritten"]
        assert [(hit.ref.ordinal, hit.version) for hit in left] == [(0, 1_000_000)]
        await store.close()

    asyncio.run(inspect())


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1])))
