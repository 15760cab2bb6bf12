"""One generation's text index on OpenSearch."""

from collections.abc import AsyncIterator, Mapping, Sequence

from services.candidates import Holding, IndexedVersion, Run, Survey
from services.documents import Chunk, ChunkRef
from services.filters import Filter
from services.opensearch.client import OpenSearchClient
from services.opensearch.lexical.columns import Columns
from services.opensearch.lexical.inventory import Inventory
from services.opensearch.lexical.languages import PresentLanguages
from services.opensearch.lexical.reading import Reader
from services.opensearch.lexical.writing import Writer
from services.ports.lexical import LexicalEntry, Tombstone
from services.queries import LexicalQuery, Sort


class OpenSearchIndex:
    """Implements :class:`services.ports.lexical.LexicalIndex`."""

    def __init__(self, client: OpenSearchClient, alias: str, *, wait: bool) -> None:
        languages = PresentLanguages(client, alias)
        self._inventory = Inventory(client, alias)
        self._reader = Reader(client, alias, languages)
        self._writer = Writer(client, alias, Columns(client, alias), languages, wait=wait)

    async def write(
        self, entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete; visible to the next search when it returns."""
        return await self._writer.write(entries, tombstones)

    async def search(self, query: LexicalQuery, depth: int) -> Run:
        """The best chunks by BM25; no user text reaches a query parser."""
        return await self._reader.search(query, depth)

    async def browse(
        self, query: LexicalQuery, sort: Sort | None, depth: int
    ) -> Sequence[IndexedVersion]:
        """Matching documents by ``sort``, else by id."""
        return await self._reader.browse(query, sort, depth)

    async def survey(self, query: LexicalQuery, facets: Mapping[str, Filter | None]) -> Survey:
        """Exact counts of documents."""
        return await self._reader.survey(query, facets)

    async def matching(self, query: LexicalQuery, ids: Sequence[str]) -> frozenset[str]:
        """Which of these documents pass the query's phrases, excluded words, filter and rights."""
        return await self._reader.matching(query, ids)

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        """The chunks as indexed."""
        return await self._reader.read(refs)

    async def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """What is indexed, by document id."""
        return await self._reader.versions(after, limit)

    def inventory(self) -> AsyncIterator[Holding]:
        """What is there, by document id, counted row by row."""
        return self._inventory.walk()

    async def holdings(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """What is there of these documents."""
        return await self._inventory.holdings(ids)
