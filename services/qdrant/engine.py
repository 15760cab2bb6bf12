"""One Qdrant collection behind deadlines, with errors translated."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models

from services.errors import BackendUnavailable
from services.qdrant.configuration import QdrantConfiguration
from services.qdrant.errors import translated
from services.qdrant.reads import Reads

T = TypeVar("T")

_POINTS_PER_PAGE = 1_000

Operation = models.UpsertOperation | models.DeleteOperation


class Engine:
    """Asks one collection; every call raises BackendUnavailable, or DeadlineExceeded."""

    def __init__(
        self,
        client: AsyncQdrantClient,
        collection: str,
        configuration: QdrantConfiguration,
        reads: Reads,
    ) -> None:
        self._client = client
        self._reads = reads
        self._collection = collection
        self._configuration = configuration
        ef = configuration.hnsw_ef or None
        self._quick = models.SearchParams(hnsw_ef=ef, quantization=_rescored(configuration))

    async def nearest(
        self,
        vector: list[float] | list[list[float]],
        using: str,
        narrowed: models.Filter | None,
        limit: int,
        payload: Sequence[str] = (),
        *,
        exact: bool = False,
    ) -> list[models.ScoredPoint]:
        """The best points for a vector, or for several by MaxSim."""
        found = await self._reads.ask(
            lambda: self._client.query_points(
                self._collection,
                query=vector,
                using=using,
                query_filter=narrowed,
                limit=limit,
                with_payload=list(payload) or False,
                search_params=models.SearchParams(exact=True) if exact else self._quick,
                timeout=self._server_timeout_s,
            )
        )
        return found.points

    async def retrieve(
        self, identifiers: Sequence[str], payload: Sequence[str] = ()
    ) -> Mapping[str, Mapping[str, Any]]:
        """The payloads of points, by id, for as many as are there."""
        records = await self._reads.ask(
            lambda: self._client.retrieve(
                self._collection,
                list(identifiers),
                with_payload=list(payload) or False,
                timeout=self._server_timeout_s,
            )
        )
        return {str(record.id): record.payload or {} for record in records}

    async def multivectors(
        self, identifiers: Sequence[str], name: str
    ) -> Mapping[str, NDArray[np.float32]]:
        """A named multivector of points, by id, for as many as hold it: [vectors, dimensions]."""
        records = await self._reads.ask(
            lambda: self._client.retrieve(
                self._collection,
                list(identifiers),
                with_payload=False,
                with_vectors=[name],
                timeout=self._server_timeout_s,
            )
        )
        found: dict[str, NDArray[np.float32]] = {}
        for record in records:
            held = record.vector.get(name) if isinstance(record.vector, dict) else None
            if held is not None:
                found[str(record.id)] = np.asarray(held, np.float32)
        return found

    async def points(
        self, identifiers: Sequence[str], payload: Sequence[str]
    ) -> Sequence[models.Record]:
        """Points with some of their payload and all their vectors, for as many as are there."""
        return await self._reads.ask(
            lambda: self._client.retrieve(
                self._collection,
                list(identifiers),
                with_payload=list(payload),
                with_vectors=True,
                timeout=self._server_timeout_s,
            )
        )

    async def scroll(
        self, narrowed: models.Filter, payload: Sequence[str]
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The payloads of all points that pass, in no order of use, a page a call."""
        offset = None
        while True:
            page = partial(
                self._client.scroll,
                self._collection,
                scroll_filter=narrowed,
                limit=_POINTS_PER_PAGE,
                offset=offset,
                with_payload=list(payload),
                timeout=self._server_timeout_s,
            )
            records, offset = await self._reads.ask(page)
            for record in records:
                yield record.payload or {}
            if offset is None:
                return

    async def count(self, narrowed: models.Filter) -> int:
        """How many points pass, exactly."""
        counted = await self._reads.ask(
            lambda: self._client.count(
                self._collection, narrowed, exact=True, timeout=self._server_timeout_s
            )
        )
        return counted.count

    async def update(self, operations: Sequence[Operation]) -> None:
        """Apply operations in their order; done and visible when it returns.

        Raises:
            Refused: Qdrant takes one of them at no time; those before it are done.
        """
        if not operations:
            return
        results = await self._write(
            self._client.batch_update_points(self._collection, list(operations), wait=True)
        )
        for result in results:
            _check_completed(result)

    async def index(self, field: str, kind: models.PayloadSchemaType) -> None:
        """Index a payload field; nothing happens where it is indexed."""
        result = await self._write(
            self._client.create_payload_index(self._collection, field, kind, wait=True)
        )
        _check_completed(result)

    @property
    def _server_timeout_s(self) -> int:
        return math.ceil(self._configuration.read_timeout_s)

    async def _write(self, call: Awaitable[T]) -> T:
        with translated():
            async with asyncio.timeout(self._configuration.write_timeout_s):
                return await call


def _check_completed(result: models.UpdateResult) -> None:
    if result.status is not models.UpdateStatus.COMPLETED:
        raise BackendUnavailable(
            f"Qdrant accepted a write but did not complete it ({result.status}): it is overloaded."
        )


def _rescored(configuration: QdrantConfiguration) -> models.QuantizationSearchParams | None:
    """A bit a dimension ranks coarsely: more candidates are looked at again."""
    match configuration.quantization:
        case "none":
            return None
        case "binary":
            return models.QuantizationSearchParams(rescore=True, oversampling=3.0)
        case _:
            return models.QuantizationSearchParams(rescore=True, oversampling=1.5)
