"""Which metadata key lives in which typed column.

A column's name follows from type and key alone, so that no process needs another's table:
the type and a digest of the key, which may hold any printable sign. Columns come into the
mapping with the first value of their key.
"""

import hashlib
from collections.abc import Iterable, Mapping

from services.collections import MAX_KEYS_PER_TYPE, FieldType
from services.errors import InvalidDocument
from services.opensearch.client import OpenSearchClient
from services.opensearch.lexical.schema import column_mapping


def column_name(kind: FieldType, key: str) -> str:
    """The column of a key's values of one type."""
    return f"{kind}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"


class Columns:
    """The columns that an index is known to have."""

    def __init__(self, client: OpenSearchClient, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._known: set[str] = set()

    async def assign(self, documents: Mapping[str, Mapping[str, FieldType]]) -> Mapping[str, str]:
        """Give every key a column; returns the reason for each document there is no room for.

        Args:
            documents: for each document id its metadata keys with their types.
        """
        if self._all_known(documents.values()):
            return {}
        await self._look()
        refused: dict[str, str] = {}
        fresh: dict[str, FieldType] = {}
        for document_id, kinds in documents.items():
            try:
                fresh |= self._wanted(kinds, fresh)
            except InvalidDocument as error:
                refused[document_id] = error.detail
        if fresh:
            fields = {name: column_mapping(kind) for name, kind in fresh.items()}
            await self._client.send("PUT", f"/{self._alias}/_mapping", {"properties": fields})
            self._known |= set(fresh)
        return refused

    def _all_known(self, documents: Iterable[Mapping[str, FieldType]]) -> bool:
        return all(
            column_name(kind, key) in self._known
            for kinds in documents
            for key, kind in kinds.items()
        )

    async def _look(self) -> None:
        """Read the mapping: another process may have added to it."""
        answer = await self._client.read(f"/{self._alias}/_mapping")
        for index in answer.values():
            self._known |= set(index["mappings"].get("properties", {}))

    def _wanted(
        self, kinds: Mapping[str, FieldType], fresh: Mapping[str, FieldType]
    ) -> dict[str, FieldType]:
        names = {column_name(kind, key): kind for key, kind in kinds.items()}
        wanted = {name: kind for name, kind in names.items() if name not in self._known}
        for kind in FieldType:
            there = {name for name in {*self._known, *fresh} if name.startswith(f"{kind}_")}
            there |= {name for name, known in wanted.items() if known is kind}
            if len(there) > MAX_KEYS_PER_TYPE and kind in wanted.values():
                raise InvalidDocument(
                    f"The text index holds at most {MAX_KEYS_PER_TYPE} {kind} keys and has no "
                    "room for another. Leave out metadata that nobody filters by."
                )
        return wanted
