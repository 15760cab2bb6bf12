"""Where the vector indexes live on a Qdrant server: one collection for each generation."""

import asyncio
from collections.abc import Collection, Sequence

from qdrant_client import AsyncQdrantClient, models

from services.errors import InvalidInput
from services.generations import Generation, names_generation
from services.qdrant.configuration import QdrantConfiguration
from services.qdrant.engine import Engine
from services.qdrant.errors import translated
from services.qdrant.index import QdrantIndex
from services.qdrant.preparation import Preparation, check_version
from services.qdrant.reads import Reads

_BETWEEN_LOOKS_S = 0.5


class QdrantStore:
    """Implements :class:`services.ports.vectors.VectorStore` on one server.

    Any number of processes may use one server, readers and writers alike.
    """

    def __init__(
        self, client: AsyncQdrantClient, configuration: QdrantConfiguration | None = None
    ) -> None:
        """Takes the client over: closing the store closes it."""
        self._client = client
        self._configuration = configuration or QdrantConfiguration()
        self._reads = Reads(client, self._configuration.read_timeout_s)
        self._indexes: dict[str, QdrantIndex] = {}

    async def open(self, generation: Generation) -> QdrantIndex:
        """The generation's index, created where it does not exist when it is first used.

        Nothing is asked here: with a server that is away a search still has its other leg.

        Raises:
            InvalidInput: the generation was built for words only.
        """
        encoder = generation.fingerprint.encoder
        if encoder is None:
            raise InvalidInput(
                f"The generation {generation.name!r} was built without a bi-encoder: it has "
                "no vectors. Build a new one with a model."
            )
        collection = self._collection(generation)
        index = self._indexes.get(collection)
        if index is None:
            own = (self._client, collection)
            engine = Engine(*own, self._configuration, self._reads)
            preparation = Preparation(*own, encoder, self._configuration, self._reads)
            index = QdrantIndex(engine, encoder, preparation)
            self._indexes[collection] = index
        return index

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's collection for good; nothing happens where there is none."""
        await self.remove(self._collection(generation))

    async def orphans(self, known: Collection[Generation]) -> Sequence[str]:
        """Collections that were made for none of these generations."""
        kept = {self._collection(generation) for generation in known}
        found = await self._reads.ask(self._client.get_collections)
        names = (each.name for each in found.collections)
        own = (name for name in names if name.startswith(f"{self._configuration.prefix}-"))
        return sorted(name for name in own if names_generation(name) and name not in kept)

    async def remove(self, orphan: str) -> None:
        """Remove what :meth:`orphans` named."""
        self._indexes.pop(orphan, None)
        with translated():
            async with asyncio.timeout(self._configuration.write_timeout_s):
                await self._client.delete_collection(orphan)

    async def until_built(self, generation: Generation) -> None:
        """Wait until the graph holds what was written: Qdrant builds it behind the writes.

        Until then what is not in it is searched exactly, which is slow and finds everything.
        """
        collection = self._collection(generation)
        while True:
            told = await self._reads.ask(lambda: self._client.get_collection(collection))
            if told.status is not models.CollectionStatus.YELLOW:  # it is at work
                return
            await asyncio.sleep(_BETWEEN_LOOKS_S)

    async def ping(self) -> None:
        """Raise BackendUnavailable where the server does not answer, or is too old."""
        await check_version(self._client, self._reads)

    async def close(self) -> None:
        """Close the connections."""
        self._indexes.clear()
        await self._reads.close()
        await self._client.close()

    def _collection(self, generation: Generation) -> str:
        return f"{self._configuration.prefix}-{generation.name}"
