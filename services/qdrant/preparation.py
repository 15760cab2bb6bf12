"""Makes sure of a generation's collection before it is first used."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from qdrant_client import AsyncQdrantClient, models

from services.errors import BackendUnavailable, DataFormatUnsupported
from services.generations import EncoderFingerprint
from services.qdrant.configuration import QdrantConfiguration
from services.qdrant.errors import translated
from services.qdrant.layout import FORMAT, INDEXES, TEXT, vector_parameters
from services.qdrant.reads import Reads

T = TypeVar("T")

# The first that replaces points under a condition; others would leave the condition out.
_OLDEST = (1, 16)

_FORMAT_KEY = "winnow_format"


class Preparation:
    """Asks the server once, when it is first needed: a server that is away delays no start."""

    def __init__(
        self,
        client: AsyncQdrantClient,
        collection: str,
        encoder: EncoderFingerprint,
        configuration: QdrantConfiguration,
        reads: Reads,
    ) -> None:
        self._client = client
        self._reads = reads
        self._collection = collection
        self._encoder = encoder
        self._configuration = configuration
        self._preparing = asyncio.Lock()
        self._done = False

    async def ensure(self) -> None:
        """Create the collection where it does not exist.

        Raises:
            DataFormatUnsupported: a newer Winnow made the collection.
            BackendUnavailable: the server does not answer, is too old, or has another
                collection of this name.
        """
        if self._done:
            return
        async with self._preparing:
            if not self._done:
                await self._prepare()
                self._done = True

    async def _prepare(self) -> None:
        await check_version(self._client, self._reads)
        if not await self._exists():
            await self._create()
        told = await self._reads.ask(lambda: self._client.get_collection(self._collection))
        _check_collection(self._collection, told, self._encoder)
        # Also where the collection was there: its maker may have died before.
        for field, kind in INDEXES.items():
            if field not in told.payload_schema:
                await self._call(
                    self._client.create_payload_index(self._collection, field, kind, wait=True)
                )

    async def _create(self) -> None:
        try:
            await self._call(
                self._client.create_collection(
                    self._collection,
                    vectors_config=vector_parameters(self._encoder, self._configuration),
                    shard_number=self._configuration.shards,
                    replication_factor=self._configuration.replicas,
                    on_disk_payload=True,
                    metadata={_FORMAT_KEY: FORMAT},
                )
            )
        except BackendUnavailable:
            # Another process may have been first.
            if not await self._exists():
                raise

    async def _exists(self) -> bool:
        return await self._reads.ask(lambda: self._client.collection_exists(self._collection))

    async def _call(self, call: Awaitable[T]) -> T:
        with translated():
            async with asyncio.timeout(self._configuration.write_timeout_s):
                return await call


async def check_version(client: AsyncQdrantClient, reads: Reads) -> None:
    """Raise BackendUnavailable where the server does not answer, or is too old."""
    told = (await reads.ask(client.info)).version
    numbers = tuple(int(part) for part in told.split(".")[:2] if part.isdecimal())
    if numbers < _OLDEST:
        raise BackendUnavailable(
            f"Qdrant {told} is too old: Winnow needs {'.'.join(map(str, _OLDEST))} or newer."
        )


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
