"""Documents, their versions and what is to be indexed of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from services.generations import Generation
from services.opensearch.client import Json
from services.opensearch.ledger.acceptance import Acceptance
from services.opensearch.ledger.documents_index import DocumentsIndex, Row
from services.opensearch.ledger.marking import Marking
from services.opensearch.ledger.records import raise_epoch
from services.opensearch.ledger.registry import Registry
from services.opensearch.ledger.rows import (
    RECORD_FIELDS,
    SUMMARY_FIELDS,
    load_letters,
    record,
    summary,
)
from services.opensearch.searching import hits, value
from services.ports.ledger import Accepted, DeadLetter, Record, Summary, Write

T = TypeVar("T")

_MOST = 10_000
_EVERY = 2**31
_LIVE: Json = {"term": {"deleted": False}}
_LOOKS = 3


class OpenSearchDocuments:
    """Implements :class:`services.ports.ledger.DocumentLedger`."""

    def __init__(self, registry: Registry, index: DocumentsIndex) -> None:
        self._registry = registry
        self._index = index

    async def accept(self, collection: str, writes: Sequence[Write]) -> Sequence[Accepted]:
        """Store writes in their order; durable when it returns, the epoch raised last."""

        async def work(alias: str) -> Sequence[Accepted]:
            acceptance = Acceptance(self._index, alias, writes)
            async with self._registry.turn(collection):
                return await acceptance.run()

        accepted = await self._index.on(collection, work)
        if any(one.changed for one in accepted):
            await self._registry.change(collection, raise_epoch)
        return accepted

    async def read(self, collection: str, ids: Sequence[str]) -> Mapping[str, Record]:
        """Records by id, tombstones included, for as many as are there."""
        return await self._named(
            collection, ids, RECORD_FIELDS, lambda row: record(row.id, row.source)
        )

    async def summaries(self, collection: str, ids: Sequence[str]) -> Mapping[str, Summary]:
        """Live documents without their text, for as many as are there."""
        held = await self._index.on(
            collection, lambda alias: self._index.columns(alias, ids, SUMMARY_FIELDS)
        )
        return {
            name: summary(name, held[name].source)
            for name in dict.fromkeys(ids)
            if name in held and not held[name].source["deleted"]
        }

    async def list(
        self, collection: str, after: str, limit: int, prefix: str = ""
    ) -> Sequence[Summary]:
        """Live documents by id (in the order of its UTF-8), from the first after ``after``."""
        conditions: list[Json] = [_LIVE, {"range": {"id": {"gt": after}}}]
        if prefix:
            conditions.append({"prefix": {"id": {"value": prefix}}})
        query = {"bool": {"filter": conditions}}
        found = await self._index.on(
            collection, lambda alias: self._index.listed(alias, query, SUMMARY_FIELDS, limit)
        )
        return [summary(row["id"], row) for row in found]

    async def count(self, collection: str) -> int:
        """How many live documents there are."""
        return sum((await self.languages(collection)).values())

    async def languages(self, collection: str) -> Mapping[str, int]:
        """How many live documents there are of each language."""
        body = {
            "size": 0,
            "query": _LIVE,
            "aggs": {"languages": {"terms": {"field": "language", "size": _MOST}}},
        }
        answer = await self._index.on(collection, lambda alias: self._index.search(alias, body))
        buckets = answer["aggregations"]["languages"]["buckets"]
        return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets}

    async def pending(
        self, generation: Generation, limit: int, max_bytes: int = 64 * 2**20
    ) -> Sequence[Record]:
        """Records whose newest version is neither indexed nor dead, oldest change first."""
        key = await self._key(generation)

        async def work(alias: str) -> Sequence[Record]:
            for _ in range(_LOOKS):
                names = await self._oldest(alias, key, limit, max_bytes)
                held = await self._index.rows(alias, names, RECORD_FIELDS)
                # A search can lag behind the marks of another process; rows by id cannot.
                found = [
                    record(name, held[name].source)
                    for name in names
                    if name in held and key not in held[name].source["settled"]
                ]
                if found or not names:
                    break
                await self._index.refresh(alias, always=True)
            return found

        return await self._index.on(generation.collection, work)

    async def _oldest(self, alias: str, key: str, limit: int, max_bytes: int) -> Sequence[str]:
        """The ids of what is pending, as many as fit."""
        body = {
            "size": min(limit, _MOST),
            "query": _pending(key),
            "sort": [{"change": "asc"}, {"id": "asc"}],
            "_source": False,
            "docvalue_fields": ["id", "size"],
        }
        names: list[str] = []
        room = max_bytes
        for hit in hits(await self._index.search(alias, body)):
            room -= int(str(value(hit, "size")))
            if names and room < 0:
                break
            names.append(str(value(hit, "id")))
        return names

    async def backlog(self, generation: Generation) -> int:
        """How many records are pending."""
        body = {"size": 0, "query": _pending(await self._key(generation)), "track_total_hits": True}
        answer = await self._index.on(
            generation.collection, lambda alias: self._index.search(alias, body)
        )
        return int(answer["hits"]["total"]["value"])

    async def waiting(self, generation: Generation, ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids are pending."""
        key = await self._key(generation)
        found = await self._named(
            generation.collection,
            ids,
            ("settled",),
            lambda row: None if key in row.source["settled"] else row.id,
        )
        return frozenset(found)

    async def mark(
        self,
        generation: Generation,
        indexed: Mapping[str, int],
        refused: Sequence[DeadLetter] = (),
    ) -> int:
        """Record versions as indexed or dead; returns the epoch after it.

        A version that is no longer the newest changes the index, so the epoch grows, but
        its document stays pending.
        """
        pointer = await self._registry.get(generation.collection)
        key = pointer.existing(generation).key
        if not indexed and not refused:
            return pointer.epoch

        async def work(alias: str) -> None:
            await Marking(self._index, alias, key, pointer.keys).run(indexed, refused)

        await self._index.on(generation.collection, work)
        return (await self._registry.change(generation.collection, raise_epoch)).epoch

    async def dead_letters(self, generation: Generation) -> Sequence[DeadLetter]:
        """What could not be indexed of the newest versions, by document id."""
        key = await self._key(generation)
        query = {"term": {"dead": key}}
        found = await self._index.on(
            generation.collection,
            lambda alias: self._index.listed(alias, query, ("letters",), _EVERY),
        )
        return [load_letters(row["id"], row["letters"])[key] for row in found]

    async def _key(self, generation: Generation) -> str:
        """The key of a generation; CollectionNotFound or NotFound where it is gone."""
        pointer = await self._registry.get(generation.collection)
        return pointer.existing(generation).key

    async def _named(
        self,
        collection: str,
        ids: Sequence[str],
        fields: Sequence[str],
        read: Callable[[Row], T | None],
    ) -> Mapping[str, T]:
        """What is read of rows by id, for as many as are there and give something."""
        held = await self._index.on(collection, lambda alias: self._index.rows(alias, ids, fields))
        found = {name: read(held[name]) for name in dict.fromkeys(ids) if name in held}
        return {name: what for name, what in found.items() if what is not None}


def _pending(key: str) -> Json:
    return {"bool": {"must_not": [{"term": {"settled": key}}]}}
