"""Search as tools of the Model Context Protocol, for assistants: ``/mcp``, streamable HTTP.

https://modelcontextprotocol.io. Stateless and answered as plain JSON, so that any process
behind a balancer can answer any request.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

from pydantic import Field, ValidationError
from starlette.types import ASGIApp

from search_api.answer import SearchAnswer
from search_api.request import SearchRequest, Unit
from search_api.service import SearchService
from services.assembly import Services
from services.collections import Collection
from services.documents import Document, check_id, encode_value
from services.errors import DocumentNotFound, WinnowError
from services.version import VERSION

_INSTRUCTIONS = (
    "Full-text and semantic search over the user's own documents. Search with a question or "
    "keywords; passages come back with their document's id. Read a document whole by its id "
    "when a passage is not enough, and cite ids or urls."
)
_READ_CHARACTERS = 20_000


@asynccontextmanager
async def open_mcp(services: Services, service: SearchService) -> AsyncIterator[ASGIApp]:
    """An ASGI application that answers at ``/mcp`` until the context ends."""
    # Imported where it is needed: commands that serve nothing do not wait for it.
    from mcp.server import MCPServer
    from mcp.server.transport_security import TransportSecuritySettings
    from mcp.types import ToolAnnotations

    server = MCPServer("winnow", version=VERSION, instructions=_INSTRUCTIONS, log_level="WARNING")
    tools = _Tools(services, service)
    for tool in (tools.search, tools.read_document, tools.list_collections):
        server.tool(annotations=ToolAnnotations(read_only_hint=True))(tool)
    # Hosts and origins are checked in front of every route, by Winnow's own settings.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    application = server.streamable_http_app(
        json_response=True, stateless_http=True, transport_security=unguarded
    )
    ready, over = asyncio.Event(), asyncio.Event()

    async def sessions() -> None:
        try:
            async with application.router.lifespan_context(application):
                ready.set()
                await over.wait()
        finally:
            ready.set()

    # Its task group must be left by the task that entered it; who closes us may be another.
    running = asyncio.create_task(sessions(), name="winnow-mcp")
    await ready.wait()
    try:
        if not running.done():
            yield application
    finally:
        over.set()
        await running


class _Tools:
    """What an assistant may do; signatures and docstrings become the tools' descriptions."""

    def __init__(self, services: Services, service: SearchService) -> None:
        self._services = services
        self._service = service

    async def search(
        self,
        query: Annotated[str, Field(description='A question or keywords; "phrases", -word')],
        collection: str = "default",
        size: Annotated[int, Field(ge=1, le=50)] = 8,
        filters: Annotated[
            Any, Field(description='Such as {"key": "kind", "type": "eq", "value": "guide"}')
        ] = None,
    ) -> dict[str, Any]:
        """Find the passages of a collection that answer a query, best first."""
        with _faults_told():
            request = SearchRequest(query=query, size=size, filters=filters, unit=Unit.PASSAGE)
            return _passages(await self._service.search(collection, request))

    async def read_document(
        self,
        id: Annotated[str, Field(description="As a search answered it")],  # noqa: A002
        collection: str = "default",
        start: Annotated[int, Field(ge=0, description="Character to read from")] = 0,
    ) -> dict[str, Any]:
        """Read a document's text, at most 20,000 characters at once."""
        with _faults_told():
            document = await self._document(collection, id)
        end = start + _READ_CHARACTERS
        return {
            "id": document.id,
            "title": document.title,
            "url": document.url,
            "metadata": {key: encode_value(value) for key, value in document.metadata.items()},
            "text": document.text[start:end],
            "characters": len(document.text),
            "next_start": end if end < len(document.text) else None,
        }

    async def list_collections(self) -> dict[str, Any]:
        """Name the collections and the metadata keys that filters may use."""
        with _faults_told():
            stored = await self._services.ledger.collections.list()
        return {"collections": [_described(each) for each in stored]}

    async def _document(self, collection: str, identifier: str) -> Document:
        await self._services.ledger.collections.get(collection)
        found = await self._services.ledger.documents.read(collection, [check_id(identifier)])
        record = found.get(identifier)
        if record is None or record.document is None:
            raise DocumentNotFound(f"'{collection}' has no document {identifier!r}.")
        return record.document


@contextmanager
def _faults_told() -> Iterator[None]:
    """What went wrong as a sentence that the assistant reads, and can act on."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        yield
    except WinnowError as error:
        raise ToolError(error.detail) from None
    except ValidationError as error:
        raise ToolError(error.errors()[0]["msg"]) from None


def _passages(answer: SearchAnswer) -> dict[str, Any]:
    """An answer without what an assistant has no use for."""
    return {
        "total": answer.total.model_dump(),
        "degraded": answer.degraded,
        "results": [
            {
                "id": result.id,
                "title": result.title,
                "url": result.url,
                "metadata": result.metadata,
                "passages": [
                    {"text": passage.text, "start": passage.start, "end": passage.end}
                    for passage in result.passages
                ],
            }
            for result in answer.results
        ],
    }


def _described(collection: Collection) -> dict[str, Any]:
    return {"name": collection.name, "metadata_keys": dict(collection.schema.fields)}
