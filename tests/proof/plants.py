"""Known faults, planted through the ports: the checker must catch each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from search_api.result_cache import cache_key
from services.generations import Generation
from tests.proof.taps import Call


class Plant:
    """A fault: a tap that does something wrong now and then, or another cache key."""

    key: Callable[..., str] | None = None

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Make the call as it is."""
        return await call(*arguments, **named)


class SkippedVectorWrite(Plant):
    """One batch never reaches the vector index, which says that it did."""

    def __init__(self) -> None:
        self._writes = 0

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Skip the third."""
        self._writes += point == "vectors.index.write"
        if point == "vectors.index.write" and self._writes == 3:
            return {}
        return await call(*arguments, **named)


class LostDelete(Plant):
    """Tombstones never reach the engines, which say that they did."""

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Write entries alone."""
        if point.endswith(".index.write"):
            arguments = (arguments[0], ())
        return await call(*arguments, **named)


class LostWrite(Plant):
    """The ledger acknowledges every fourth batch of writes and keeps nothing of it."""

    def __init__(self) -> None:
        self._writes = 0

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Make the call with nothing in it, and answer as if there had been."""
        self._writes += point == "ledger.documents.accept"
        if point != "ledger.documents.accept" or self._writes % 4:
            return await call(*arguments, **named)
        from services.ports.ledger import Accepted

        await call(arguments[0], [])
        return [Accepted(write.document_id, 1, True) for write in arguments[1]]


class KeyWithoutGeneration(Plant):
    """The result cache's key leaves out which generation answers.

    The epoch grows with a switch too, and alone would keep the answers apart: it is left out
    as well, but for the writes.
    """

    def __init__(self) -> None:
        self.key = self._key
        self._first: Generation | None = None
        self._switches = 0

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Count the switches."""
        result = await call(*arguments, **named)
        self._switches += point == "ledger.collections.activate"
        return result

    def _key(self, collection: str, head: Any, rights: Any, models: Any, request: Any) -> str:
        del models
        self._first = self._first or head.live
        blind = replace(head, live=self._first, epoch=head.epoch - self._switches)
        return cache_key(collection, blind, rights, {}, request)


PLANTS: dict[str, Callable[[], Plant]] = {
    "skipped vector write": SkippedVectorWrite,
    "lost delete": LostDelete,
    "lost write": LostWrite,
    "key without generation": KeyWithoutGeneration,
}
