"""Documents, their versions and what is to be indexed of them."""

from collections.abc import Mapping, Sequence

from services.opensearch.client import Json
from services.opensearch.ledger.acceptance import Acceptance
from services.opensearch.ledger.comparing import Step, change_rows
from services.opensearch.ledger.marks import OpenSearchMarks
from services.opensearch.ledger.records import raise_epoch
from services.opensearch.ledger.restoration import restoring, superseding
from services.opensearch.ledger.rows import RECORD_FIELDS, SUMMARY_FIELDS, record, summary
from services.ports.ledger import MOST_BYTES, Accepted, Record, Summary, Write

_MOST_LANGUAGES = 10_000
_LIVE: Json = {"term": {"deleted": False}}


class OpenSearchDocuments(OpenSearchMarks):
    """Implements :class:`services.ports.ledger.DocumentLedger`, with its marks inherited."""

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
        held = await self._index.on(
            collection, lambda alias: self._index.rows(alias, ids, RECORD_FIELDS)
        )
        return {
            name: record(name, held[name].source) for name in dict.fromkeys(ids) if name in held
        }

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

    async def records(
        self, collection: str, after: str, limit: int, max_bytes: int = MOST_BYTES
    ) -> Sequence[Record]:
        """Records by id (in the order of its UTF-8), tombstones included, after ``after``."""
        query = {"range": {"id": {"gt": after}}}

        async def work(alias: str) -> Sequence[Record]:
            names = await self._index.fitting(alias, query, ("id",), limit, max_bytes)
            held = await self._index.rows(alias, names, RECORD_FIELDS)
            return [record(name, held[name].source) for name in names]

        return await self._index.on(collection, work)

    async def restore(self, collection: str, records: Sequence[Record]) -> int:
        """Store records as they were where they are newer, the epoch raised last."""
        ids = [record.document_id for record in records]
        return await self._replace(collection, ids, restoring(records))

    async def supersede(self, collection: str, above: Mapping[str, int]) -> int:
        """Give documents a version above their own and the given one, the epoch raised last."""
        return await self._replace(collection, list(above), superseding(above))

    async def _replace(self, collection: str, ids: Sequence[str], step: Step) -> int:
        async def decide() -> Step:
            return step

        async def work(alias: str) -> int:
            async with self._registry.turn(collection):
                return await change_rows(self._index, alias, ids, ("version",), decide)

        replaced = await self._index.on(collection, work)
        if replaced:
            await self._registry.change(collection, raise_epoch)
        return replaced

    async def count(self, collection: str) -> int:
        """How many live documents there are."""
        return sum((await self.languages(collection)).values())

    async def languages(self, collection: str) -> Mapping[str, int]:
        """How many live documents there are of each language."""
        body = {
            "size": 0,
            "query": _LIVE,
            "aggs": {"languages": {"terms": {"field": "language", "size": _MOST_LANGUAGES}}},
        }
        answer = await self._index.on(collection, lambda alias: self._index.search(alias, body))
        buckets = answer["aggregations"]["languages"]["buckets"]
        return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets}
