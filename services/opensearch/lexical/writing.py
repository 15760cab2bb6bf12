"""Writes of one generation: versions decide, so that any order and any repetition ends the same.

A document's chunks go first and its own row last: the row is what says that a version is
indexed. Every row carries its document's version as its external version, so a late write
of an older one loses row by row. Rows of an older version that are still found after that
(a crash between two versions, a writer that was overtaken) are swept away.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.analysis.table import analyzer_of
from services.columns import metadata_kinds
from services.documents import ChunkRef
from services.errors import InvalidDocument
from services.opensearch.bulk import Action, Result, bulk
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import refresh
from services.opensearch.lexical.columns import Columns
from services.opensearch.lexical.compiler import every, some, term
from services.opensearch.lexical.languages import PresentLanguages
from services.opensearch.lexical.rows import (
    check_principals,
    chunk_actions,
    document_action,
    document_of,
    document_row_id,
    external,
)
from services.opensearch.lexical.schema import CHUNK
from services.opensearch.searching import hits, search_one
from services.ports.lexical import LexicalEntry, Tombstone

Item = LexicalEntry | Tombstone

_SWEPT_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    version: int
    chunks: int


class Writer:
    """The writing half of the port."""

    def __init__(
        self,
        client: OpenSearchClient,
        alias: str,
        columns: Columns,
        languages: PresentLanguages,
        *,
        wait: bool,
    ) -> None:
        self._client = client
        self._alias = alias
        self._columns = columns
        self._languages = languages
        self._wait = wait

    async def write(
        self, entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete; returns the reasons of what is refused for good, by document id."""
        newest = _newest(entries, tombstones)
        known = await self._known(list(newest))
        items = {
            document_id: item
            for document_id, item in newest.items()
            if document_id not in known or known[document_id].version < item.version
        }
        refused = await self._make_room(items)
        refused |= await self._write_chunks(_without(items, refused), known)
        written, more = await self._write_documents(_without(items, refused))
        refused |= more
        if written:
            if not self._wait:
                await refresh(self._client, self._alias)
            await self._sweep(written)
        self._languages.add(frozenset(_languages(_without(items, refused))))
        return refused

    async def _known(self, ids: Sequence[str]) -> Mapping[str, _Known]:
        """What the index holds of these documents, tombstones included."""
        if not ids:
            return {}
        rows = {document_row_id(document_id): document_id for document_id in ids}
        answer = await self._client.read(
            f"/{self._alias}/_mget", {"ids": list(rows)}, _source_includes="version,chunks"
        )
        return {
            rows[found["_id"]]: _Known(found["_source"]["version"], found["_source"]["chunks"])
            for found in answer["docs"]
            if found.get("found")
        }

    async def _make_room(self, items: Mapping[str, Item]) -> dict[str, str]:
        """Columns for every metadata key; the reasons for documents that cannot have them."""
        refused: dict[str, str] = {}
        kinds = {}
        for document_id, item in items.items():
            if isinstance(item, LexicalEntry):
                try:
                    check_principals(item.document)
                    kinds[document_id] = metadata_kinds(item.document)
                except InvalidDocument as error:
                    refused[document_id] = error.detail
        return refused | dict(await self._columns.assign(kinds))

    async def _write_chunks(
        self, items: Mapping[str, Item], known: Mapping[str, _Known]
    ) -> dict[str, str]:
        """Write the chunks and delete those beyond them, refused documents' own included."""
        fresh = await asyncio.to_thread(_chunks, items)  # analysis would hold up every search
        actions: list[Action] = []
        owners: list[str] = []
        for document_id, item in items.items():
            new = fresh[document_id]
            held = known[document_id].chunks if document_id in known else 0
            actions += [*new, *_deletions(document_id, item.version, range(len(new), held))]
            owners += [document_id] * (len(actions) - len(owners))
        refused = _refusals(owners, await self._bulk(actions))
        await self._bulk(
            [
                Action("delete", action.row, {**action.options, "version_type": "external_gte"})
                for action, owner in zip(actions, owners, strict=True)
                if owner in refused
            ]
        )
        return refused

    async def _write_documents(
        self, items: Mapping[str, Item]
    ) -> tuple[Mapping[str, int], dict[str, str]]:
        """Write the documents' rows; returns the version each stands at now, and refusals."""
        results = await self._bulk(await asyncio.to_thread(_documents, items))
        refused = _refusals(list(items), results)
        standing = {name: item.version for name, item in _without(items, refused).items()}
        overtaken = [name for name, result in zip(items, results, strict=True) if result.conflict]
        for name, newer in (await self._known(overtaken)).items():
            standing[name] = newer.version
        return standing, refused

    async def _sweep(self, standing: Mapping[str, int]) -> None:
        """Delete rows of chunks that are older than their document."""
        by_version: dict[int, list[str]] = {}
        for document_id, version in standing.items():
            by_version.setdefault(version, []).append(document_id)
        older = [
            every([{"terms": {"id": ids}}, {"range": {"version": {"lt": version}}}])
            for version, ids in by_version.items()
            if version > 1
        ]
        if not older:
            return
        query = every([term("kind", CHUNK), some(older)])
        body = {"size": _SWEPT_AT_ONCE, "query": query, "_source": ["id"]}
        leftovers = hits(await search_one(self._client, self._alias, body))
        if leftovers:
            await self._bulk(
                [
                    Action("delete", hit["_id"], external(standing[hit["_source"]["id"]]))
                    for hit in leftovers
                ]
            )
            await refresh(self._client, self._alias)

    async def _bulk(self, actions: Sequence[Action]) -> Sequence[Result]:
        return await bulk(self._client, self._alias, actions, wait=self._wait)


def _newest(entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]) -> Mapping[str, Item]:
    newest: dict[str, Item] = {}
    items: Sequence[Item] = (*entries, *tombstones)
    for item in items:
        held = newest.get(document_of(item))
        if held is None or held.version < item.version:
            newest[document_of(item)] = item
    return newest


def _chunks(items: Mapping[str, Item]) -> Mapping[str, Sequence[Action]]:
    return {
        name: chunk_actions(item) if isinstance(item, LexicalEntry) else []
        for name, item in items.items()
    }


def _documents(items: Mapping[str, Item]) -> Sequence[Action]:
    return [document_action(item) for item in items.values()]


def _without(items: Mapping[str, Item], refused: Mapping[str, str]) -> dict[str, Item]:
    return {name: item for name, item in items.items() if name not in refused}


def _deletions(document_id: str, version: int, ordinals: range) -> list[Action]:
    return [
        Action("delete", ChunkRef(document_id, ordinal).uuid, external(version))
        for ordinal in ordinals
    ]


def _refusals(owners: Sequence[str], results: Sequence[Result]) -> dict[str, str]:
    """The reasons of items refused for good: neither done, nor there already, nor gone already."""
    return {
        owner: f"OpenSearch cannot hold the document: {result.reason}"
        for owner, result in zip(owners, results, strict=True)
        if not result.done and result.status not in (404, 409)
    }


def _languages(items: Mapping[str, Item]) -> set[str]:
    return {
        analyzer_of(item.document.language).language
        for item in items.values()
        if isinstance(item, LexicalEntry)
    }
