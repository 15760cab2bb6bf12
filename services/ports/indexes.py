"""What the text index and the vector index have in common."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from services.candidates import Holding, IndexedVersion
from services.documents import Chunk, ChunkRef
from services.generations import Generation

IndexT_co = TypeVar("IndexT_co", covariant=True)


class Index(Protocol):
    """One generation's chunks in an engine, whatever they are searched by."""

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


class IndexStore(Protocol[IndexT_co]):
    """Where the indexes of generations live."""

    async def open(self, generation: Generation) -> IndexT_co:
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
