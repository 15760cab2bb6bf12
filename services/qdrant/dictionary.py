"""The values that Qdrant's ranges cannot order, as points: keywords and large integers.

Words are only ever added, so as long as a key has as many as were read, they are the same:
a query by order costs a count, and reads the words again only after new ones came in.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from qdrant_client import models

from services.filters import Condition, Operator
from services.points.conditions import sortable
from services.qdrant.engine import Engine
from services.qdrant.layout import ROLE, equals, word_id, word_role

_WORD = "word"
_WORDS_PER_CALL = 1_000
_MAX_KNOWN = 200_000

_PASSES: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
}


class Dictionary:
    """One collection's words."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: set[str] = set()
        self._read: dict[str, Sequence[str | int]] = {}

    async def add(self, words: Iterable[tuple[str, str | int]]) -> None:
        """Add keys with their words; done before a document that holds them is written."""
        points = {word_id(key, word): (key, word) for key, word in words}
        unknown = [identifier for identifier in points if identifier not in self._known]
        for start in range(0, len(unknown), _WORDS_PER_CALL):
            batch = unknown[start : start + _WORDS_PER_CALL]
            there = await self._engine.retrieve(batch)
            added = [_point(name, *points[name]) for name in batch if name not in there]
            if added:
                listed = models.PointsList(points=added)
                await self._engine.update([models.UpsertOperation(upsert=listed)])
            self._remember(batch)

    async def passing(self, conditions: Iterable[Condition]) -> dict[Condition, list[str | int]]:
        """For each condition the words of its key that are on its side of the bound."""
        found = {}
        for condition in conditions:
            passes, bound = _PASSES[condition.operator], sortable(condition.values[0])
            words = await self._words(condition.key)
            found[condition] = [word for word in words if passes(word, bound)]
        return found

    async def _words(self, key: str) -> Sequence[str | int]:
        of_key = models.Filter(must=[equals(ROLE, word_role(key))])
        words = self._read.get(key, ())
        if await self._engine.count(of_key) != len(words):
            words = [payload[_WORD] async for payload in self._engine.scroll(of_key, [_WORD])]
            self._read[key] = words
        return words

    def _remember(self, identifiers: Iterable[str]) -> None:
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
        self._known.update(identifiers)


def _point(identifier: str, key: str, word: str | int) -> models.PointStruct:
    return models.PointStruct(id=identifier, vector={}, payload={ROLE: word_role(key), _WORD: word})
