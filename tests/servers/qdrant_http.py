"""qdrant-client's local mode behind Qdrant's own HTTP interface, on a free port.

It is no Qdrant: what it shows is that requests and answers survive JSON. Bodies are read by
the classes that are made from Qdrant's OpenAPI description, which refuse what it does not
name; and it refuses by itself what a server is known to refuse and local mode takes.
"""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response
from qdrant_client import AsyncQdrantClient, models

_FORBIDDEN = frozenset('<>:"/\\|?*\0\x1f')
_LONGEST_NAME = 255
_LONGEST_BODY = 32 * 2**20  # service.max_request_size_mb
_FEWEST_NEIGHBOURS = 4

Wait = Annotated[bool, Query()]


def _application(client: AsyncQdrantClient) -> FastAPI:
    app = FastAPI()
    _add_collections(app, client)
    _add_points(app, client)

    @app.middleware("http")
    async def bound(request: Request, answer: Callable[..., Awaitable[Response]]) -> Response:
        if int(request.headers.get("content-length", 0)) > _LONGEST_BODY:
            return JSONResponse({"status": {"error": "Payload reached size limit."}}, 413)
        return await answer(request)

    @app.exception_handler(ValueError)
    async def refuse(_request: Request, error: Exception) -> Response:
        missing = "not found" in str(error)
        return JSONResponse({"status": {"error": str(error)}}, 404 if missing else 400)

    @app.get("/")
    async def version() -> object:
        return {"title": "local mode", "version": "1.18.0"}

    return app


def _add_collections(app: FastAPI, client: AsyncQdrantClient) -> None:
    @app.get("/collections")
    async def collections() -> Response:
        return _answer(await client.get_collections())

    @app.get("/collections/{name}/exists")
    async def exists(name: str) -> Response:
        return _answer({"exists": await client.collection_exists(name)})

    @app.get("/collections/{name}")
    async def told(name: str) -> Response:
        return _answer(await client.get_collection(name))

    @app.put("/collections/{name}")
    async def create(name: str, asked: models.CreateCollection) -> Response:
        _check_collection(name, asked)
        if await client.collection_exists(name):
            raise HTTPException(409, f"Collection `{name}` already exists!")
        assert asked.vectors is not None
        done = await client.create_collection(
            name, vectors_config=asked.vectors, metadata=asked.metadata
        )
        return _answer(done)

    @app.delete("/collections/{name}")
    async def delete(name: str) -> Response:
        return _answer(await client.delete_collection(name))

    @app.put("/collections/{name}/index")
    async def index(name: str, asked: models.CreateFieldIndex, *, wait: Wait) -> Response:
        assert wait
        assert asked.field_schema in set(models.PayloadSchemaType)
        await client.get_collection(name)
        return _answer(_COMPLETED)


def _add_points(app: FastAPI, client: AsyncQdrantClient) -> None:
    @app.post("/collections/{name}/points/batch")
    async def batch(name: str, asked: models.UpdateOperations, *, wait: Wait) -> Response:
        assert wait
        for each in asked.operations:
            if isinstance(each, models.UpsertOperation):
                _check_points(each.upsert)
        return _answer(await client.batch_update_points(name, asked.operations))

    @app.post("/collections/{name}/points/query")
    async def query(name: str, asked: models.QueryRequest) -> Response:
        assert asked.limit
        nearest = getattr(asked.query, "nearest", asked.query)
        found = await client.query_points(
            name,
            query=nearest,
            using=asked.using,
            query_filter=asked.filter,
            limit=asked.limit,
            with_payload=_told_payload(asked.with_payload),
        )
        return _answer(found)

    @app.post("/collections/{name}/points")
    async def retrieve(name: str, asked: models.PointRequest) -> Response:
        found = await client.retrieve(
            name,
            asked.ids,
            with_payload=_told_payload(asked.with_payload),
            with_vectors=asked.with_vector or False,
        )
        return _answer(found)

    @app.post("/collections/{name}/points/scroll")
    async def scroll(name: str, asked: models.ScrollRequest) -> Response:
        assert asked.limit
        points, following = await client.scroll(
            name,
            scroll_filter=asked.filter,
            limit=asked.limit,
            offset=asked.offset,
            with_payload=_told_payload(asked.with_payload),
        )
        return _answer(models.ScrollResult(points=points, next_page_offset=following))

    @app.post("/collections/{name}/points/count")
    async def count(name: str, asked: models.CountRequest) -> Response:
        assert asked.exact
        return _answer(await client.count(name, asked.filter, exact=True))


_COMPLETED = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


def _told_payload(asked: Any) -> Any:
    return False if asked is None else asked


def _check_collection(name: str, asked: models.CreateCollection) -> None:
    """What Qdrant's own validation asks of a new collection."""
    assert 1 <= len(name) <= _LONGEST_NAME
    assert not _FORBIDDEN & set(name)
    assert isinstance(asked.vectors, dict)
    for vector in asked.vectors.values():
        chosen = vector.hnsw_config
        assert chosen is not None
        assert chosen.ef_construct is None or chosen.ef_construct >= _FEWEST_NEIGHBOURS


def _check_points(listed: models.PointInsertOperations) -> None:
    """Points are named by UUIDs, and vectors by the names of the collection."""
    assert isinstance(listed, models.PointsList)
    for point in listed.points:
        assert str(uuid.UUID(str(point.id))) == point.id
        assert isinstance(point.vector, dict)


def _answer(result: object) -> Response:
    return JSONResponse({"status": "ok", "time": 0.0, "result": jsonable_encoder(result)})


@asynccontextmanager
async def qdrant_http() -> AsyncIterator[int]:
    """The port of an empty one in this process."""
    client = AsyncQdrantClient(location=":memory:")
    configuration = uvicorn.Config(_application(client), log_level="error", lifespan="off")
    server = uvicorn.Server(configuration)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving
            await client.close()
