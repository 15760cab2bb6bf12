"""The index of one collection's documents: rows by id at once, and searches over all of them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.errors import BackendUnavailable
from services.opensearch.bulk import Action, Result, bulk
from services.opensearch.client import Absent, Json, OpenSearchClient
from services.opensearch.indexes import Layout, create_index, drop_index, refresh
from services.opensearch.ledger.records import Pointer
from services.opensearch.ledger.registry import Registry
from services.opensearch.ledger.schema import DOCUMENTS_MAPPINGS
from services.opensearch.searching import hits, search_one, value

T = TypeVar("T")

_PAGE = 10_000
_LONG = frozenset({"summary", "body"})
_LISTS = frozenset({"settled", "dead"})


@dataclass(frozen=True, slots=True)
class Row:
    """A document's row as it was read, and what a later write compares.

    Attributes:
        source: the fields that were asked for.
    """

    id: str
    source: Json
    seq_no: int
    primary_term: int

    @property
    def seen(self) -> dict[str, object]:
        """Options of a write that fails where the row has changed since."""
        return {"if_seq_no": self.seq_no, "if_primary_term": self.primary_term}


class DocumentsIndex:
    """Access to the documents of every collection.

    Rows by id are read as they were last acknowledged. Searches see what this process
    has acknowledged, and what other processes have within a second.
    """

    def __init__(self, client: OpenSearchClient, layout: Layout, registry: Registry) -> None:
        self._client = client
        self._layout = layout
        self._registry = registry
        self._uids: dict[str, str] = {}
        # Refreshed since the last write of this process; at its first look, since anybody's.
        self._shown: set[str] = set()
        self._refreshing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def create(self, pointer: Pointer) -> None:
        """Make the collection's index."""
        alias = self._alias(pointer.name, pointer.uid)
        await create_index(self._client, alias, self._layout.settings(), DOCUMENTS_MAPPINGS)

    async def drop(self, pointer: Pointer) -> None:
        """Remove the collection's index."""
        self._uids.pop(pointer.name, None)
        await drop_index(self._client, self._alias(pointer.name, pointer.uid))

    async def on(self, name: str, work: Callable[[str], Awaitable[T]]) -> T:
        """Run work with the alias of the collection's index.

        The alias is known from before where it can be, so that searches need no record; it
        is looked up again where the index is gone, since another process may have removed
        the collection, and made one of the same name.

        Raises:
            CollectionNotFound: there is no such collection.
            BackendUnavailable: its record is there and its documents are not.
        """
        uid = self._uids.get(name)
        if uid is not None:
            try:
                return await work(self._alias(name, uid))
            except Absent:
                self._uids.pop(name, None)
        pointer = await self._registry.get(name)
        try:
            result = await work(self._alias(name, pointer.uid))
        except Absent as error:
            raise BackendUnavailable(
                f"The documents of {name!r} are gone from OpenSearch: somebody removed the index "
                f"{self._alias(name, pointer.uid)} or its alias. Restore it from a snapshot."
            ) from error
        self._uids[name] = pointer.uid
        return result

    async def rows(self, alias: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Row]:
        """Rows by id with these fields, for as many as are there."""
        if not ids:
            return {}
        body = {"ids": list(dict.fromkeys(ids))}
        option = "stored_fields" if _LONG.isdisjoint(fields) else "_source_includes"
        answer = await self._client.read(f"/{alias}/_mget", body, **{option: ",".join(fields)})
        if any("error" in found for found in answer["docs"]):
            raise Absent(f"The index {alias} is gone.")
        return {
            found["_id"]: Row(
                found["_id"], _source(found, fields), found["_seq_no"], found["_primary_term"]
            )
            for found in answer["docs"]
            if found.get("found")
        }

    async def columns(
        self, alias: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Row]:
        """As :meth:`rows`, from columns where they are up to date: some five times faster.

        A search reads columns but sees the last refresh; asking for no fields by id is
        quick and sees every write. Where both name the same state of a row, the columns
        are that state. The others are read by id.
        """
        if not ids:
            return {}
        if len(ids) > _PAGE:
            return await self.rows(alias, ids, fields)
        current, found = await asyncio.gather(
            self._states(alias, ids), self._seen_by_search(alias, ids, fields)
        )
        rows = {
            row.id: row
            for row in found
            if current.get(row.id) == (row.seq_no, row.primary_term)
            and all(row.source[name] is not None for name in fields)
        }
        rest = [name for name in current if name not in rows]
        return rows | await self.rows(alias, rest, fields)

    async def _states(self, alias: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """What tells the present state of each row that is there."""
        body = {"ids": list(dict.fromkeys(ids))}
        answer = await self._client.read(f"/{alias}/_mget", body, _source=False)
        return {
            found["_id"]: (found["_seq_no"], found["_primary_term"])
            for found in answer["docs"]
            if found.get("found")
        }

    async def _seen_by_search(
        self, alias: str, ids: Sequence[str], fields: Sequence[str]
    ) -> list[Row]:
        body = {
            "size": len(ids),
            "query": {"terms": {"id": list(ids)}},
            "_source": False,
            "stored_fields": "_none_",
            "docvalue_fields": ["id", *fields],
            "seq_no_primary_term": True,
        }
        return [
            Row(
                str(value(hit, "id")),
                {name: value(hit, name) for name in fields},
                hit["_seq_no"],
                hit["_primary_term"],
            )
            for hit in hits(await search_one(self._client, alias, body))
        ]

    async def write(self, alias: str, actions: Sequence[Action]) -> Sequence[Result]:
        """Durable when it returns; results in the order of the actions."""
        if not actions:
            return []
        try:
            return await bulk(self._client, alias, actions)
        finally:
            self._shown.discard(alias)

    async def search(self, alias: str, body: Json) -> Json:
        """The answer to a search that sees every write of this process."""
        await self.refresh(alias)
        return await search_one(self._client, alias, body)

    async def listed(
        self, alias: str, query: Json, fields: Sequence[str], limit: int
    ) -> list[Json]:
        """The fields of at most ``limit`` rows that match, by document id."""
        found: list[Json] = []
        body: Json = {"query": query, "sort": [{"id": "asc"}], "_source": ["id", *fields]}
        while len(found) < limit:
            size = min(_PAGE, limit - len(found))
            after = {"search_after": [found[-1]["id"]]} if found else {}
            page = hits(await self.search(alias, {**body, **after, "size": size}))
            found.extend(hit["_source"] for hit in page)
            if len(page) < size:
                break
        return found

    async def fitting(
        self, alias: str, query: Json, order: Sequence[str], limit: int, max_bytes: int
    ) -> Sequence[str]:
        """The ids of rows that match, in this order of fields, as many as fit.

        One at least, then at most ``limit`` whose text stays under ``max_bytes``.
        """
        body = {
            "size": min(limit, _PAGE),
            "query": query,
            "sort": [{field: "asc"} for field in order],
            "_source": False,
            "docvalue_fields": ["id", "size"],
        }
        names: list[str] = []
        room = max_bytes
        for hit in hits(await self.search(alias, body)):
            room -= int(str(value(hit, "size")))
            if names and room < 0:
                break
            names.append(str(value(hit, "id")))
        return names

    async def refresh(self, alias: str, *, always: bool = False) -> None:
        """Let searches see what this process, or with ``always`` anybody, has written."""
        async with self._refreshing[alias]:  # who comes meanwhile waits for what it shows
            if not always and alias in self._shown:
                return
            self._shown.add(alias)  # before it: a write meanwhile takes it away again
            try:
                await refresh(self._client, alias)
            except BaseException:
                self._shown.discard(alias)  # the next search has to
                raise

    def _alias(self, name: str, uid: str) -> str:
        return self._layout.alias("ledger", f"{name}-{uid}")


def _source(found: Json, fields: Sequence[str]) -> Json:
    """The fields of a row, from whichever place they were read."""
    if "_source" in found:
        return dict(found["_source"])
    held = found.get("fields", {})
    return {name: list(held.get(name, ())) if name in _LISTS else held[name][0] for name in fields}
