"""What an engine's inventory tells, whatever is counted in it: chunks of text or vectors."""

from services.candidates import Holding
from services.ports.indexes import Index
from services.ports.lexical import Tombstone

NAMES = ("a", "B", "é", "z", "日本", "\U0001f600", "\uffee")
"""Documents in version 1 with two chunks; then ``a`` has one in version 3."""

NONE = "none"
"""A document in version 2 without a chunk."""

TOMBSTONES = (Tombstone("z", 4), Tombstone("never", 5))

_HELD = {name: Holding(name, 1, 2, False, {1: 2}) for name in NAMES} | {
    "a": Holding("a", 3, 1, False, {3: 1}),
    NONE: Holding(NONE, 2, 0, False, {}),
    "z": Holding("z", 4, 0, True, {}),
    "never": Holding("never", 5, 0, True, {}),
}


async def check_nothing_held(index: Index) -> None:
    """Nothing is counted in an empty index."""
    assert [holding async for holding in index.inventory()] == []
    assert await index.holdings(["a"]) == {}


async def check_holdings(index: Index) -> None:
    """All that was written is counted, tombstones too, by id; the same is told of single ids."""
    found = [holding async for holding in index.inventory()]
    assert found == [_HELD[name] for name in sorted(_HELD)]
    asked = ["z", "absent", "a", "never", "a"]
    assert await index.holdings(asked) == {name: _HELD[name] for name in ("z", "a", "never")}
    assert await index.holdings([]) == {}
