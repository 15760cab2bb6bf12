"""Searching over HTTP."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError

from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.errors import InvalidInput

_JSON_FIELDS = {"filters", "sort"}


def router(service: Callable[[], SearchService]) -> APIRouter:
    """The search routes.

    Args:
        service: gives the service of this application once it has started.
    """
    routes = APIRouter(tags=["search"])

    async def given() -> SearchService:
        # Not the plain function: FastAPI would call it in a thread, for every request.
        return service()

    current = Annotated[SearchService, Depends(given)]

    @routes.post("/v1/collections/{collection}/search")
    async def search(collection: str, request: SearchRequest, service: current) -> SearchAnswer:
        """Search a collection."""
        return await service.search(collection, request)

    @routes.get("/v1/collections/{collection}/search")
    async def search_by_url(
        collection: str,
        request: Request,
        service: current,
        q: Annotated[str, Query(description="The query; every field of the POST form too")] = "",
    ) -> SearchAnswer:
        """Search a collection by URL: ``filters`` and ``sort`` as JSON, ``facets`` repeated."""
        return await service.search(collection, request_from_url(request, q))

    return routes


def request_from_url(request: Request, query: str) -> SearchRequest:
    """The search that a URL's parameters describe, or InvalidInput naming the faulty one."""
    fields: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if name == "facets":
            fields[name] = [key for value in values for key in value.split(",") if key]
        elif name != "q":
            fields[name] = _value(name, values[-1])
    if "q" in request.query_params:
        fields["query"] = query
    try:
        return SearchRequest.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "The request"
        raise InvalidInput(f"{where}: {fault['msg']}.") from None


def filters_from_url(text: str) -> object:
    """A filter as a URL gives it; "" is none."""
    return _value("filters", text) if text else None


def _value(name: str, text: str) -> object:
    if name not in _JSON_FIELDS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if name == "sort" and text.strip("-").isidentifier():
            return {"key": text.removeprefix("-"), "descending": text.startswith("-")}
        raise InvalidInput(f"'{name}' in a URL is JSON; this is not.") from None
