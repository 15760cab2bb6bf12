"""The index of pointer records, changed by compare-and-set alone."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import quote

from services.errors import AlreadyExists, BackendUnavailable, CollectionNotFound
from services.opensearch.client import Absent, Conflict, Json, OpenSearchClient
from services.opensearch.indexes import Layout, ensure_index, refresh
from services.opensearch.ledger.records import Change, Pointer, dump, load
from services.opensearch.ledger.schema import RECORDS_MAPPINGS
from services.opensearch.searching import hits, search_one

_ATTEMPTS = 40
_LONGEST_PAUSE_S = 0.5
_MOST_COLLECTIONS = 10_000


class Registry:
    """Reads and changes pointer records.

    Writers of one process take turns, so that only those of several processes collide;
    who loses reads the record again.
    """

    def __init__(self, client: OpenSearchClient, layout: Layout) -> None:
        self._client = client
        self._layout = layout
        self._alias = layout.alias("ledger", "collections")
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ready = False

    def turn(self, name: str) -> asyncio.Lock:
        """Held by whoever writes documents of the collection in this process."""
        return self._turns[f"documents of {name}"]

    async def get(self, name: str) -> Pointer:
        """The record, or CollectionNotFound."""
        return load(name, (await self._row(name))["_source"]["record"])

    async def all(self) -> Sequence[Pointer]:
        """Every record by its collection's name."""
        try:
            await refresh(self._client, self._alias)
            body = {"size": _MOST_COLLECTIONS, "query": {"match_all": {}}, "sort": ["name"]}
            rows = hits(await search_one(self._client, self._alias, body))
        except Absent:
            return []
        return [load(row["_source"]["name"], row["_source"]["record"]) for row in rows]

    async def add(self, pointer: Pointer) -> None:
        """Store a new record; AlreadyExists where the collection has one."""
        await self._ensure_index()
        try:
            await self._put(pointer, "_create")
        except Conflict:
            raise AlreadyExists(
                f"There is a collection {pointer.name!r} already. Use it, or another name."
            ) from None

    async def change(self, name: str, change: Change) -> Pointer:
        """Replace the record by what the change makes of it; returns it as it stands then."""
        async with self._turns[name]:
            for attempt in range(_ATTEMPTS):
                row = await self._row(name)
                before = load(name, row["_source"]["record"])
                after = change(before)
                if after == before:
                    return before
                try:
                    await self._put(after, "_doc", **seen(row))
                except Conflict:
                    await asyncio.sleep(pause_s(attempt))
                    continue
                return after
        raise BackendUnavailable(f"Too many writers change {name!r} at once; try again.")

    async def remove(self, name: str) -> Pointer:
        """Take the record away; returns the last one, or raises CollectionNotFound."""
        for attempt in range(_ATTEMPTS):
            row = await self._row(name)
            try:
                await self._client.send("DELETE", self._path(name, "_doc"), **seen(row))
            except Conflict:
                await asyncio.sleep(pause_s(attempt))
                continue
            return load(name, row["_source"]["record"])
        raise BackendUnavailable(f"Too many writers change {name!r} at once; try again.")

    async def _row(self, name: str) -> Json:
        try:
            return await self._client.read(self._path(name, "_doc"))
        except Absent:
            raise CollectionNotFound(
                f"There is no collection {name!r}. Create it, or list those there are."
            ) from None

    async def _put(self, pointer: Pointer, kind: str, **options: int) -> None:
        row = {"name": pointer.name, "record": dump(pointer)}
        path = self._path(pointer.name, kind)
        await self._client.send("PUT", path, row, require_alias=True, **options)

    async def _ensure_index(self) -> None:
        if not self._ready:
            settings = self._layout.settings() | {"number_of_shards": 1}
            await ensure_index(self._client, self._alias, settings, RECORDS_MAPPINGS)
            self._ready = True

    def _path(self, name: str, kind: str) -> str:
        return f"/{self._alias}/{kind}/{quote(name, safe='')}"


def pause_s(attempt: int) -> float:
    """How long a writer that lost waits before it reads again."""
    longest = min(_LONGEST_PAUSE_S, 0.005 * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311  # spreads writers, no secret


def seen(row: Json) -> dict[str, int]:
    """Parameters of a write that fails where the row has changed since it was read."""
    return {"if_seq_no": row["_seq_no"], "if_primary_term": row["_primary_term"]}
