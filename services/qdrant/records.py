"""Which version of each document is indexed, tombstones included, as points."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qdrant_client import models

from services.candidates import Holding, IndexedVersion
from services.points.changes import Change
from services.qdrant.engine import Engine
from services.qdrant.layout import RECORD, ROLE, equals, older_than, record_id

# Not "document": what removes a document's old chunks must not reach its record.
_ABOUT = "about"
_FIELDS = (_ABOUT, "version", "chunks", "deleted")
_CHUNKS = models.IsEmptyCondition(is_empty=models.PayloadField(key=ROLE))

# How long a walk goes on with the picture that it began with.
_PICTURE_S = 60.0


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is left of a walk: sorted documents after ``after``."""

    after: str
    taken_at_s: float
    rest: Sequence[IndexedVersion]

    @property
    def outdated(self) -> bool:
        return time.monotonic() - self.taken_at_s > _PICTURE_S


class Records:
    """One collection's records."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._picture: _Picture | None = None

    async def versions(self, document_ids: Iterable[str]) -> dict[str, int]:
        """The version that stands of each document, also of one deleted; 0 for none."""
        names = {record_id(identifier): identifier for identifier in document_ids}
        found = await self._engine.retrieve(list(names), ["version"])
        return {
            identifier: found[name]["version"] if name in found else 0
            for name, identifier in names.items()
        }

    async def settle(self, changes: Iterable[Change]) -> None:
        """Note what was written, unless something newer stands by now."""
        await self._engine.update(
            [
                models.UpsertOperation(
                    upsert=models.PointsList(
                        points=[_point(change)],
                        update_filter=models.Filter(must=[older_than(change.version)]),
                    )
                )
                for change in changes
            ]
        )

    async def page(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """Documents that are indexed, in the order of their ids.

        Qdrant orders by numbers only. So the first page reads every record, and the pages
        after it go on with that picture for a minute; a walk costs one pass either way.
        """
        picture = self._picture
        if picture is None or picture.after != after or picture.outdated:
            picture = _Picture(after, time.monotonic(), await self._all(after))
        page, left = picture.rest[:limit], picture.rest[limit:]
        self._picture = _Picture(page[-1].document_id, picture.taken_at_s, left) if left else None
        return page

    async def holdings(self, ids: Sequence[str] | None = None) -> dict[str, Holding]:
        """What is there of these documents, or with None of all, by id in no order."""
        about, chunks = models.Filter(must=[equals(ROLE, RECORD)]), models.Filter(must=[_CHUNKS])
        if ids is not None:
            wanted = models.MatchAny(any=list(ids))
            chunks = models.Filter(
                must=[_CHUNKS, models.FieldCondition(key="document", match=wanted)]
            )
            records = list(
                (
                    await self._engine.retrieve(
                        [record_id(identifier) for identifier in ids], _FIELDS
                    )
                ).values()
            )
        else:
            records = [payload async for payload in self._engine.scroll(about, _FIELDS)]
        found: defaultdict[str, Counter[int]] = defaultdict(Counter)
        async for payload in self._engine.scroll(chunks, ("document", "version")):
            found[payload["document"]][payload["version"]] += 1
        held = {payload[_ABOUT]: _holding(payload, found) for payload in records}
        for identifier in found.keys() - held.keys():
            held[identifier] = Holding(identifier, 0, 0, True, found[identifier])
        return held

    async def _all(self, after: str) -> list[IndexedVersion]:
        everything = self._engine.scroll(models.Filter(must=[equals(ROLE, RECORD)]), _FIELDS)
        found = [
            _version(payload)
            async for payload in everything
            if not payload["deleted"] and payload[_ABOUT] > after
        ]
        return sorted(found, key=lambda version: version.document_id)


def _holding(payload: Mapping[str, Any], found: Mapping[str, Mapping[int, int]]) -> Holding:
    identifier = payload[_ABOUT]
    return Holding(
        identifier,
        payload["version"],
        payload["chunks"],
        payload["deleted"],
        found.get(identifier, {}),
    )


def _version(payload: Mapping[str, Any]) -> IndexedVersion:
    return IndexedVersion(payload[_ABOUT], payload["version"], payload["chunks"])


def _point(change: Change) -> models.PointStruct:
    payload = {
        ROLE: RECORD,
        _ABOUT: change.document_id,
        "version": change.version,
        "chunks": change.chunks,
        "deleted": change.entry is None,
    }
    return models.PointStruct(id=record_id(change.document_id), vector={}, payload=payload)
