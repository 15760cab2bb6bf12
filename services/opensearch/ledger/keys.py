"""Keys as rows."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from services.errors import AlreadyExists, NotFound
from services.opensearch.client import Absent, Conflict, Json, OpenSearchClient
from services.opensearch.indexes import Layout, ensure_index, refresh
from services.opensearch.ledger.schema import KEYS_MAPPINGS
from services.opensearch.packing import pack, unpack
from services.opensearch.searching import hits, search_one
from services.ports.keys import StoredKey

_MOST = 10_000


class OpenSearchKeys:
    """Implements :class:`services.ports.keys.KeyStore`.

    A listing sees every write, also of other processes: it refreshes the index first, which
    costs nothing where nothing was written.
    """

    def __init__(self, client: OpenSearchClient, layout: Layout) -> None:
        self._client = client
        self._layout = layout
        self._alias = layout.alias("ledger", "keys")

    async def add(self, key: StoredKey) -> None:
        """Keep a key; durable when it returns."""
        settings = self._layout.settings() | {"number_of_shards": 1}
        await ensure_index(self._client, self._alias, settings, KEYS_MAPPINGS)
        row = {"id": key.id, "key": _dump(key)}
        path = f"/{self._alias}/_create/{quote(key.id, safe='')}"
        try:
            await self._client.send("PUT", path, row, require_alias=True)
        except Conflict:
            raise AlreadyExists(f"There is a key {key.id} already.") from None

    async def list(self) -> Sequence[StoredKey]:
        """Every key, the oldest first."""
        body: Json = {"size": _MOST, "query": {"match_all": {}}}
        try:
            await refresh(self._client, self._alias)
            found = hits(await search_one(self._client, self._alias, body))
        except Absent:
            return []
        keys = (_load(hit["_source"]["id"], hit["_source"]["key"]) for hit in found)
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    async def remove(self, identifier: str) -> None:
        """Forget a key, or NotFound."""
        try:
            await self._client.send("DELETE", f"/{self._alias}/_doc/{quote(identifier, safe='')}")
        except Absent:
            raise NotFound(f"There is no key {identifier[:80]!r}: 'winnow keys list'.") from None


def _dump(key: StoredKey) -> str:
    return pack((key.name, key.administers, key.digest, key.created_at.isoformat()))


def _load(identifier: str, text: str) -> StoredKey:
    name, administers, digest, created_at = unpack(text)
    return StoredKey(identifier, name, administers, digest, datetime.fromisoformat(created_at))
