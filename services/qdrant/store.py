"""Where the vector indexes live on a Qdrant server: one collection for each generation."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from qdrant_client import AsyncQdrantClient, models

from services.errors import BackendUnavailable, DataFormatUnsupported, InvalidInput
from services.generations import EncoderFingerprint, Generation
from services.qdrant.configuration import QdrantConfiguration
from services.qdrant.engine import Engine
from services.qdrant.errors import translated
from services.qdrant.index import QdrantIndex
from services.qdrant.layout import FORMAT, INDEXES, TEXT, vector_parameters

T = TypeVar("T")

# The first that replaces points under a condition; others would leave the condition out.
_OLDEST = (1, 16)

_FORMAT_KEY = "winnow_format"


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
        self._indexes: dict[str, QdrantIndex] = {}
        self._opening = asyncio.Lock()
        self._checked = False

    async def open(self, generation: Generation) -> QdrantIndex:
        """The generation's index, created where it does not exist.

        Raises:
            InvalidInput: the generation was built for words only.
            DataFormatUnsupported: a newer Winnow made the collection.
            BackendUnavailable: the server does not answer, or is too old.
        """
        encoder = generation.fingerprint.encoder
        if encoder is None:
            raise InvalidInput(
                f"The generation {generation.name!r} was built without a bi-encoder: it has "
                "no vectors. Build a new one with a model."
            )
        async with self._opening:
            index = self._indexes.get(generation.name)
            if index is None:
                index = await self._open(self._collection(generation), encoder)
                self._indexes[generation.name] = index
            return index

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's collection for good; nothing happens where there is none."""
        async with self._opening:
            self._indexes.pop(generation.name, None)
            await self._call(self._client.delete_collection(self._collection(generation)))

    async def ping(self) -> None:
        """Raise BackendUnavailable where the server does not answer, or is too old."""
        with translated():
            async with asyncio.timeout(self._configuration.read_timeout_s):
                told = (await self._client.info()).version
        numbers = tuple(int(part) for part in told.split(".")[:2] if part.isdecimal())
        if numbers < _OLDEST:
            raise BackendUnavailable(
                f"Qdrant {told} is too old: Winnow needs {'.'.join(map(str, _OLDEST))} or newer."
            )
        self._checked = True

    async def close(self) -> None:
        """Close the connections."""
        self._indexes.clear()
        await self._client.close()

    async def _open(self, collection: str, encoder: EncoderFingerprint) -> QdrantIndex:
        if not self._checked:
            await self.ping()
        if not await self._call(self._client.collection_exists(collection)):
            await self._create(collection, encoder)
        told = await self._call(self._client.get_collection(collection))
        _check_collection(collection, told, encoder)
        engine = Engine(self._client, collection, self._configuration)
        indexed = set(told.payload_schema)
        # Also where the collection was there: its maker may have died before.
        for field, kind in INDEXES.items():
            if field not in indexed:
                await engine.index(field, kind)
        return QdrantIndex(engine, encoder, frozenset(indexed | INDEXES.keys()))

    async def _create(self, collection: str, encoder: EncoderFingerprint) -> None:
        try:
            await self._call(
                self._client.create_collection(
                    collection,
                    vectors_config=vector_parameters(encoder, self._configuration),
                    shard_number=self._configuration.shards,
                    replication_factor=self._configuration.replicas,
                    on_disk_payload=True,
                    metadata={_FORMAT_KEY: FORMAT},
                )
            )
        except BackendUnavailable:
            # Another process may have been first.
            if not await self._call(self._client.collection_exists(collection)):
                raise

    def _collection(self, generation: Generation) -> str:
        return f"{self._configuration.prefix}-{generation.name}"

    async def _call(self, call: Awaitable[T]) -> T:
        with translated():
            async with asyncio.timeout(self._configuration.write_timeout_s):
                return await call


def _check_collection(name: str, told: models.CollectionInfo, encoder: EncoderFingerprint) -> None:
    """Raise where a collection of this name is not the generation's."""
    vectors = told.config.params.vectors
    found = vectors.get(TEXT) if isinstance(vectors, dict) else None
    if found is None or found.size != encoder.dimensions:
        raise BackendUnavailable(
            f"Qdrant's collection {name!r} was not made for this generation: its vectors are of "
            "another size. Give each installation its own WINNOW_QDRANT_PREFIX."
        )
    written = (told.config.metadata or {}).get(_FORMAT_KEY, FORMAT)
    if written > FORMAT:
        raise DataFormatUnsupported(
            f"Qdrant's collection {name!r} has the format {written}; this Winnow reads up to "
            f"{FORMAT}. Use the newer Winnow."
        )
