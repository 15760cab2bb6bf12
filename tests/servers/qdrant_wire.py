"""qdrant-client's local mode behind Qdrant's own gRPC interface, on a free port.

It is no Qdrant: what it shows is that requests survive the wire, and what happens when the
wire does not. It takes what Winnow sends and no more.

``python -m tests.servers.qdrant_wire PORT [FOLDER]`` serves one until it is killed; what is
in the folder survives that. SIGUSR1 has it answer every second request by UNAVAILABLE,
SIGUSR2 as before.
"""

import asyncio
import signal
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from qdrant_client import AsyncQdrantClient, models
from qdrant_client import grpc as wire
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.grpc import (
    collections_service_pb2_grpc,
    points_service_pb2_grpc,
    qdrant_pb2_grpc,
)


class _Points(points_service_pb2_grpc.PointsServicer):
    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client

    async def UpdateBatch(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        assert request.wait
        operations = [
            GrpcToRest.convert_points_update_operation(each) for each in request.operations
        ]
        results = await self._client.batch_update_points(request.collection_name, operations)
        converted = [RestToGrpc.convert_update_result(result) for result in results]
        return wire.UpdateBatchResponse(result=converted)

    async def Query(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = GrpcToRest.convert_query_points(request)
        query = asked.query
        found = await self._client.query_points(
            request.collection_name,
            query=getattr(query, "nearest", query),
            using=asked.using,
            query_filter=asked.filter,
            limit=asked.limit,
            with_payload=asked.with_payload,
        )
        return wire.QueryResponse(
            result=[RestToGrpc.convert_scored_point(point) for point in found.points]
        )

    async def Get(self, request: Any, context: Any) -> Any:  # noqa: N802
        records = await self._client.retrieve(
            request.collection_name,
            [GrpcToRest.convert_point_id(identifier) for identifier in request.ids],
            with_payload=GrpcToRest.convert_with_payload_selector(request.with_payload),
            with_vectors=GrpcToRest.convert_with_vectors_selector(request.with_vectors),
        )
        return wire.GetResponse(result=[_retrieved(record) for record in records])

    async def Scroll(self, request: Any, context: Any) -> Any:  # noqa: N802
        given = request.HasField("offset")
        records, following = await self._client.scroll(
            request.collection_name,
            scroll_filter=GrpcToRest.convert_filter(request.filter),
            limit=request.limit,
            offset=GrpcToRest.convert_point_id(request.offset) if given else None,
            with_payload=GrpcToRest.convert_with_payload_selector(request.with_payload),
        )
        return wire.ScrollResponse(
            result=[_retrieved(record) for record in records],
            next_page_offset=(
                RestToGrpc.convert_extended_point_id(following) if following is not None else None
            ),
        )

    async def Count(self, request: Any, context: Any) -> Any:  # noqa: N802
        narrowed = GrpcToRest.convert_filter(request.filter)
        counted = await self._client.count(request.collection_name, narrowed, exact=True)
        return wire.CountResponse(result=wire.CountResult(count=counted.count))

    async def CreateFieldIndex(self, request: Any, context: Any) -> Any:  # noqa: N802
        status = wire.UpdateStatus.Completed
        return wire.PointsOperationResponse(result=wire.UpdateResult(operation_id=0, status=status))


def _retrieved(record: models.Record) -> Any:
    return RestToGrpc.convert_record(record.model_copy(update={"payload": record.payload or {}}))


class _Collections(collections_service_pb2_grpc.CollectionsServicer):
    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        vectors = GrpcToRest.convert_vectors_config(request.vectors_config)
        try:
            done = await self._client.create_collection(
                request.collection_name,
                vectors_config=vectors,
                metadata=GrpcToRest.convert_payload(request.metadata),
            )
        except ValueError as error:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, str(error))
        return wire.CollectionOperationResponse(result=done)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        done = await self._client.delete_collection(request.collection_name)
        return wire.CollectionOperationResponse(result=done)

    async def CollectionExists(self, request: Any, context: Any) -> Any:  # noqa: N802
        exists = await self._client.collection_exists(request.collection_name)
        return wire.CollectionExistsResponse(result=wire.CollectionExists(exists=exists))

    async def Get(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            told = await self._client.get_collection(request.collection_name)
        except ValueError as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        return wire.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(told))

    async def List(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = (await self._client.get_collections()).collections
        named = [wire.CollectionDescription(name=each.name) for each in found]
        return wire.ListCollectionsResponse(collections=named)


class _Root(qdrant_pb2_grpc.QdrantServicer):
    async def HealthCheck(self, request: Any, context: Any) -> Any:  # noqa: N802
        return wire.HealthCheckReply(title="local mode", version="1.18.0")


class Trouble(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Refuses every second request, for as long as it is on."""

    def __init__(self) -> None:
        self.on = False
        self._requests = 0

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Pass the request on, or not."""
        self._requests += self.on
        if self.on and self._requests % 2:
            return grpc.unary_unary_rpc_method_handler(_refuse)
        return await continuation(handler_call_details)


async def _refuse(_request: Any, context: Any) -> None:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "injected")


@asynccontextmanager
async def qdrant_wire(
    port: int = 0, folder: str | None = None, trouble: Trouble | None = None
) -> AsyncIterator[int]:
    """The port of one in this process: of what the folder holds, or empty."""
    place = {"path": folder} if folder else {"location": ":memory:"}
    client = AsyncQdrantClient(**place)  # type: ignore[arg-type]  # a path or a location
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", -1)],
        interceptors=[trouble] if trouble else [],
    )
    points_service_pb2_grpc.add_PointsServicer_to_server(_Points(client), server)
    collections_service_pb2_grpc.add_CollectionsServicer_to_server(_Collections(client), server)
    qdrant_pb2_grpc.add_QdrantServicer_to_server(_Root(), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)
        await client.close()


async def _serve(port: int, folder: str | None = None) -> None:
    trouble = Trouble()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, setattr, trouble, "on", True)
    loop.add_signal_handler(signal.SIGUSR2, setattr, trouble, "on", False)
    async with qdrant_wire(port, folder, trouble):
        await asyncio.Event().wait()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asyncio.run(_serve(int(sys.argv[1]), *sys.argv[2:3]))
