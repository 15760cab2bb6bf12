"""The text index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.candidates import IndexedVersion, Run, Survey
from services.documents import Chunk, Document
from services.filters import Filter
from services.ports.indexes import Index, IndexStore
from services.queries import LexicalQuery, Sort


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One version of a document with its chunks, to be indexed or to replace an older one.

    The document's ``language`` is settled: a code of the analyzer table, never "".
    """

    document: Document
    version: int
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted document and the version of its deletion."""

    document_id: str
    version: int


class LexicalIndex(Index, Protocol):
    """One generation's text index."""

    async def write(
        self, entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete; done when it returns, and visible to the next search.

        Idempotent: the same version again changes nothing, an older one is ignored, a
        newer one replaces every chunk of the older. Returns the reason for each document
        id that the engine refused for good; raises BackendUnavailable for what may pass.
        """

    async def search(self, query: LexicalQuery, depth: int) -> Run:
        """The best ``depth`` chunks by BM25, ties ordered by document id, then ordinal.

        Words are alternatives; a phrase must stand in the chunk (with several phrases one
        of them), excluded words must not. No user text reaches a query parser.
        """

    async def browse(
        self, query: LexicalQuery, sort: Sort | None, depth: int
    ) -> Sequence[IndexedVersion]:
        """Matching documents, not chunks: by ``sort``, else by document id; ties by id."""

    async def survey(self, query: LexicalQuery, facets: Mapping[str, Filter | None]) -> Survey:
        """Exact counts of documents that match words, filter and rights.

        Args:
            facets: for each key the filter without that key's own conditions.
        """

    async def matching(self, query: LexicalQuery, ids: Sequence[str]) -> frozenset[str]:
        """Which of these documents hold every phrase and no excluded word of the query.

        Judged over the whole document (title, headings, text), not one chunk. Filters and
        rights count too; the plain words do not.
        """


class LexicalStore(IndexStore[LexicalIndex], Protocol):
    """Where text indexes live."""
