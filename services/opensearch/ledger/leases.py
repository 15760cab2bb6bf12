"""Leases as rows, taken and renewed by compare-and-set."""

from urllib.parse import quote

from services.errors import LeaseLost
from services.expiry import Expiry
from services.opensearch.client import Absent, Conflict, Json, OpenSearchClient
from services.opensearch.indexes import Layout, ensure_index
from services.opensearch.ledger.registry import seen
from services.opensearch.ledger.schema import LEASES_MAPPINGS
from services.ports.leases import Lease


class OpenSearchLeases:
    """Implements :class:`services.ports.leases.Leases`.

    A row outlives its holder, for its fence must never fall. Rows are read by id, which
    sees every write at once.
    """

    def __init__(self, client: OpenSearchClient, layout: Layout) -> None:
        self._client = client
        self._layout = layout
        self._alias = layout.alias("ledger", "leases")
        self._expiry = Expiry()

    async def acquire(self, name: str, holder: str, ttl_s: float) -> Lease | None:
        """The lease, or None while another holder's is unexpired."""
        row = await self._row(name)
        if row is None:
            settings = self._layout.settings() | {"number_of_shards": 1}
            await ensure_index(self._client, self._alias, settings, LEASES_MAPPINGS)
        elif row["_source"]["holder"] not in ("", holder) and not self._expired(name, row):
            return None
        lease = Lease(name, holder, 1 if row is None else row["_source"]["fence"] + 1, ttl_s)
        try:
            await self._put(lease, holder, row)
        except Conflict:
            return None  # another was quicker
        return lease

    async def renew(self, lease: Lease) -> None:
        """Keep the lease for another ``ttl_s``; LeaseLost where it is the holder's no more."""
        row = await self.check(lease)
        try:
            await self._put(lease, lease.holder, row)
        except Conflict:
            raise _lost(lease) from None

    async def release(self, lease: Lease) -> None:
        """Let others have it at once; nothing happens where it is the holder's no more."""
        try:
            await self._put(lease, "", await self.check(lease))
        except (LeaseLost, Conflict):
            return

    async def check(self, lease: Lease) -> Json:
        """The row, or LeaseLost where the lease is its holder's no more."""
        row = await self._row(lease.name)
        if row is None or (row["_source"]["holder"], row["_source"]["fence"]) != (
            lease.holder,
            lease.fence,
        ):
            raise _lost(lease)
        return row

    def _expired(self, name: str, row: Json) -> bool:
        # Every write, a renewal too, gives the row another sequence number.
        state = (row["_seq_no"], row["_primary_term"])
        return self._expiry.expired(name, state, row["_source"]["ttl_s"])

    async def _row(self, name: str) -> Json | None:
        try:
            return await self._client.read(self._path(name, "_doc"))
        except Absent:
            return None

    async def _put(self, lease: Lease, holder: str, row: Json | None) -> None:
        """Write the row, ``holder`` "" to free it, where it is still as it was read."""
        kind, options = ("_create", {}) if row is None else ("_doc", seen(row))
        content = {
            "name": lease.name,
            "holder": holder,
            "fence": lease.fence,
            "ttl_s": lease.ttl_s,
        }
        path = self._path(lease.name, kind)
        await self._client.send("PUT", path, content, require_alias=True, **options)

    def _path(self, name: str, kind: str) -> str:
        return f"/{self._alias}/{kind}/{quote(name, safe='')}"


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"The lease {lease.name!r} was taken over: this process must stop.")
