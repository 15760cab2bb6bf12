"""Documents like a given one, over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from search_api.answer import SearchAnswer
from search_api.routes import filters_from_url
from services.web.document_ids import document_id

Similar = Callable[[str, str, int, object], Awaitable[SearchAnswer]]
"""Takes collection, document id, size and filters."""


def router(similar: Similar) -> APIRouter:
    """The route.

    Args:
        similar: finds documents like a given one.
    """
    routes = APIRouter(tags=["search"])

    @routes.get("/v1/collections/{collection}/similar/{id:document_id}")
    async def similar_documents(
        collection: str,
        identifier: Annotated[str, Depends(document_id)],
        size: Annotated[int, Query(ge=1, le=100)] = 10,
        filters: Annotated[str, Query(description="A filter as JSON")] = "",
    ) -> SearchAnswer:
        """Documents like this one, best first, itself left out; one page."""
        return await similar(collection, identifier, size, filters_from_url(filters))

    return routes
