"""The text index."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.candidates import Holding, IndexedVersion, Run, Survey
from services.documents import Chunk, ChunkRef, Document
from services.filters import Filter
from services.generations import Generation
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


class LexicalIndex(Protocol):
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

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        """The chunks as indexed, for as many as are there."""

    async def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """What is indexed, by document id, from the first id greater than ``after``."""

    def inventory(self) -> AsyncIterator[Holding]:
        """What is there, by document id, tombstones included, counted chunk by chunk.

        Writes meanwhile may or may not be seen; :meth:`holdings` tells of the present.
        """

    async def holdings(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """What is there of these documents, for as many as have left a trace."""


class LexicalStore(Protocol):
    """Where text indexes live."""

    async def open(self, generation: Generation) -> LexicalIndex:
        """The generation's index, created where it does not exist; cheap when repeated."""

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's index for good; nothing happens where there is none."""

    async def orphans(self, known: Collection[Generation]) -> Sequence[str]:
        """Names of indexes that were made for none of these generations, in order.

        Only what is named as this installation names its indexes; another one that shares the
        engine must have a prefix that does not begin as this one's does.
        """

    async def remove(self, orphan: str) -> None:
        """Remove what :meth:`orphans` named; nothing happens where it is gone."""

    async def ping(self) -> None:
        """Raise BackendUnavailable where the engine does not answer."""

    async def close(self) -> None:
        """Release what is held."""
