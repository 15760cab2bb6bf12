"""Indexes and the aliases by which they are reached."""

import hashlib
import re
from dataclasses import dataclass

from services.opensearch.client import Absent, Json, OpenSearchClient, Rejected

_UNSAFE = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """How this installation's indexes are named and spread.

    Attributes:
        prefix: the beginning of every name, so that installations can share a cluster.
        shards: primary shards of each index.
        replicas: copies of each shard: a number, or a range such as "0-1" that follows the
            number of nodes.
        refresh: "now" makes a write visible by a refresh of its own; "wait_for" waits for
            the next of the engine's own, up to a second, which costs the cluster less.
    """

    prefix: str = "winnow"
    shards: int = 1
    replicas: str = "0-1"
    refresh: str = "now"

    def alias(self, part: str, name: str) -> str:
        """An alias for any name: what is readable of it, and a digest that keeps names apart."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
        return f"{self.prefix}-{part}-{_UNSAFE.sub('_', name.lower())[:80]}-{digest}"

    async def aliases(self, client: OpenSearchClient, part: str) -> list[str]:
        """Every alias of a part that the cluster holds."""
        found = await client.read(f"/_alias/{self.prefix}-{part}-*")
        return [alias for index in found.values() for alias in index["aliases"]]

    def settings(self, **more: object) -> Json:
        """The settings of a new index.

        A fixed refresh interval also keeps an index that nobody searches from falling idle.
        """
        return {
            "number_of_shards": self.shards,
            "auto_expand_replicas" if "-" in self.replicas else "number_of_replicas": self.replicas,
            "refresh_interval": "1s",
            **more,
        }


async def create_index(
    client: OpenSearchClient, alias: str, settings: Json, mappings: Json
) -> None:
    """Make an index with its alias; nothing happens where it is there already."""
    body = {"settings": settings, "mappings": mappings, "aliases": {alias: {}}}
    try:
        await client.send("PUT", f"/{_index(alias)}", body)
    except Rejected:  # also where it exists, made by another process a moment ago
        if not await exists(client, alias):
            raise


async def ensure_index(
    client: OpenSearchClient, alias: str, settings: Json, mappings: Json
) -> None:
    """Make an index with its alias where there is none, asking first."""
    if not await exists(client, alias):
        await create_index(client, alias, settings, mappings)


async def drop_index(client: OpenSearchClient, alias: str) -> None:
    """Remove the index with its alias; nothing happens where there is none."""
    try:
        await client.send("DELETE", f"/{_index(alias)}")
    except Absent:
        return


async def exists(client: OpenSearchClient, alias: str) -> bool:
    """Whether the alias is there."""
    try:
        await client.read(f"/_alias/{alias}")
    except Absent:
        return False
    return True


async def refresh(client: OpenSearchClient, alias: str) -> None:
    """Make every write that was acknowledged visible to the next search."""
    await client.send("POST", f"/{alias}/_refresh")


def _index(alias: str) -> str:
    return f"{alias}-1"
