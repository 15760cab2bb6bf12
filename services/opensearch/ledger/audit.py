"""The audit log as an index that is only ever added to."""

from collections.abc import Sequence
from datetime import datetime

from services.opensearch.client import Absent, Json, OpenSearchClient
from services.opensearch.indexes import Layout, ensure_index, refresh
from services.opensearch.ledger.schema import AUDIT_MAPPINGS
from services.opensearch.packing import pack, unpack
from services.opensearch.searching import hits, search_one
from services.ports.audit import AuditEntry

_MOST = 10_000


class OpenSearchAuditLog:
    """Implements :class:`services.ports.audit.AuditLog`.

    One shard, so that its sequence numbers are the order of appending, whatever clocks say.
    """

    def __init__(self, client: OpenSearchClient, layout: Layout) -> None:
        self._client = client
        self._layout = layout
        self._alias = layout.alias("ledger", "audit")

    async def append(self, entry: AuditEntry) -> None:
        """Add an entry; durable when it returns."""
        settings = self._layout.settings() | {"number_of_shards": 1}
        await ensure_index(self._client, self._alias, settings, AUDIT_MAPPINGS)
        row = {"collection": entry.collection, "entry": _dump(entry)}
        await self._client.send("POST", f"/{self._alias}/_doc", row, require_alias=True)

    async def read(self, collection: str = "", limit: int = 100) -> Sequence[AuditEntry]:
        """The newest entries, newest first; of one collection where one is named."""
        query: Json = {"term": {"collection": collection}} if collection else {"match_all": {}}
        body = {"size": min(limit, _MOST), "query": query, "sort": [{"_seq_no": "desc"}]}
        try:
            await refresh(self._client, self._alias)
            found = hits(await search_one(self._client, self._alias, body))
        except Absent:
            return []
        return [_load(hit["_source"]["collection"], hit["_source"]["entry"]) for hit in found]


def _dump(entry: AuditEntry) -> str:
    rest = (entry.who, entry.action, entry.generation, entry.outcome, entry.detail)
    return pack((entry.at.isoformat(), *rest))


def _load(collection: str, text: str) -> AuditEntry:
    at, who, action, generation, outcome, detail = unpack(text)
    return AuditEntry(
        datetime.fromisoformat(at), who, action, collection, generation, outcome, detail
    )
