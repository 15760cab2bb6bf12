"""What this process read from the ledger of late."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.collections import Collection
from services.generations import Head
from services.ports.ledger import Summary

MAX_SUMMARIES = 20_000
"""Some tens of megabytes; the least recently read leave first."""

MAX_AGE_S = 900.0
"""What was read longer ago is not shown: a ledger that is away so long is not a moment's matter."""


@dataclass(frozen=True, slots=True)
class Known:
    """A collection as the ledger told of it.

    Attributes:
        languages: how many documents there are of each.
    """

    collection: Collection
    head: Head
    languages: Mapping[str, int]


class LedgerMemory:
    """Collections and summaries with the moment they were read."""

    def __init__(self) -> None:
        self._collections: dict[str, tuple[float, Known]] = {}
        self._summaries: OrderedDict[tuple[str, str], tuple[float, Summary]] = OrderedDict()
        self._read_under: dict[str, tuple[Head, set[str]]] = {}

    def keep(self, known: Known) -> None:
        """Remember a collection."""
        self._collections[known.collection.name] = (time.monotonic(), known)

    def recall(self, name: str) -> Known | None:
        """The collection as it was read last, None where that is too long ago."""
        read_s, known = self._collections.get(name, (0.0, None))
        return known if known is not None and _is_fresh(read_s) else None

    def forget(self, name: str) -> None:
        """Drop a collection that is there no longer; its summaries leave by themselves."""
        self._collections.pop(name, None)
        self._read_under.pop(name, None)

    def keep_summaries(
        self, name: str, head: Head | None, asked: Iterable[str], found: Mapping[str, Summary]
    ) -> None:
        """Remember what was found, and forget what was asked for and is gone.

        Args:
            head: as it stood before they were read; None where nobody looked.
        """
        if head is not None:
            if self._read_under.get(name, (None,))[0] != head:
                self._read_under[name] = (head, set())
            self._read_under[name][1].update(found)
        now_s = time.monotonic()
        for document_id in asked:
            key = (name, document_id)
            self._summaries.pop(key, None)
            if document_id in found:
                self._summaries[key] = (now_s, found[document_id])
        while len(self._summaries) > MAX_SUMMARIES:
            self._summaries.popitem(last=False)

    def unchanged_summaries(
        self, name: str, head: Head, asked: Iterable[str]
    ) -> dict[str, Summary]:
        """Those of the documents that were read under this very head.

        Its epoch grows with every change of an answer, after the change and before the change
        is acknowledged: while it stands, they stand.
        """
        read_under, known = self._read_under.get(name, (None, frozenset[str]()))
        if read_under != head:
            return {}
        summaries = self._summaries
        return {
            each: found[1]
            for each in asked
            if each in known and (found := summaries.get((name, each)))
        }

    def recall_summaries(self, name: str, asked: Iterable[str]) -> dict[str, Summary]:
        """Those of the documents that were read not too long ago."""
        held = ((each, self._summaries.get((name, each))) for each in asked)
        return {each: found[1] for each, found in held if found and _is_fresh(found[0])}


def _is_fresh(read_s: float) -> bool:
    return time.monotonic() - read_s <= MAX_AGE_S
