"""What a generation's rows come to, document by document."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from services.candidates import Holding
from services.opensearch.client import Json, OpenSearchClient
from services.opensearch.lexical.schema import CHUNK
from services.opensearch.searching import search_one

_BUCKETS = 5_000
_IDS_PER_WALK = 1_000

# Rows of chunks lack the last two.
_SOURCES: Sequence[Json] = [
    {"id": {"terms": {"field": "id"}}},
    {"kind": {"terms": {"field": "kind"}}},
    {"version": {"terms": {"field": "version"}}},
    {"chunks": {"terms": {"field": "chunks", "missing_bucket": True}}},
    {"live": {"terms": {"field": "live", "missing_bucket": True}}},
]


class Inventory:
    """Counts rows by document and version, on the engine's side."""

    def __init__(self, client: OpenSearchClient, alias: str) -> None:
        self._client = client
        self._alias = alias

    async def walk(self, query: Json | None = None) -> AsyncIterator[Holding]:
        """Every document that has left a row which matches, by id."""
        unfinished: list[Json] = []
        async for buckets in self._pages(query or {"match_all": {}}):
            unfinished += buckets
            # A page may end within a document: its last one waits for the next page.
            last = unfinished[-1]["key"]["id"]
            whole = [bucket for bucket in unfinished if bucket["key"]["id"] != last]
            unfinished = unfinished[len(whole) :]
            for holding in _holdings(whole):
                yield holding
        for holding in _holdings(unfinished):
            yield holding

    async def holdings(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """What is there of these documents, for as many as have left a row."""
        held: dict[str, Holding] = {}
        for start in range(0, len(ids), _IDS_PER_WALK):
            query = {"terms": {"id": list(ids[start : start + _IDS_PER_WALK])}}
            held |= {holding.document_id: holding async for holding in self.walk(query)}
        return held

    async def _pages(self, query: Json) -> AsyncIterator[list[Json]]:
        composite: Json = {"size": _BUCKETS, "sources": _SOURCES}
        body = {"size": 0, "query": query, "aggs": {"rows": {"composite": composite}}}
        while True:
            answer = await search_one(self._client, self._alias, body)
            found = answer["aggregations"]["rows"]
            if not found["buckets"]:
                return
            yield found["buckets"]
            composite["after"] = found["after_key"]


def _holdings(buckets: Iterable[Json]) -> Iterable[Holding]:
    """From buckets in the order of their keys."""
    for identifier, group in groupby(buckets, lambda bucket: bucket["key"]["id"]):
        record: Mapping[str, Any] = {"version": 0, "chunks": 0, "live": False}
        found: dict[int, int] = {}
        for bucket in group:
            key = bucket["key"]
            if key["kind"] == CHUNK:
                found[key["version"]] = bucket["doc_count"]
            else:
                record = key
        yield Holding(identifier, record["version"], record["chunks"], not record["live"], found)
