"""The HTTP side of collections."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response, status

from indexer.bodies import (
    CollectionAnswer,
    CollectionBody,
    CollectionsAnswer,
    CollectionState,
    Refused,
)
from indexer.service import Indexer
from services.errors import InvalidDocument
from services.web.who import who_asked

MAX_DEAD_LETTERS = 100


def add_collection_routes(routes: APIRouter, indexer: Callable[..., Indexer]) -> None:
    """Add the routes of collections themselves to those under ``/v1/collections``."""
    _add_reading(routes, indexer)
    _add_writing(routes, indexer)


def _add_reading(routes: APIRouter, indexer: Callable[..., Indexer]) -> None:
    @routes.get("", tags=["collections"])
    async def list_collections(
        service: Annotated[Indexer, Depends(indexer)],
    ) -> CollectionsAnswer:
        """All collections by name."""
        collections = await service.list_collections()
        return CollectionsAnswer(collections=[CollectionAnswer.of(item) for item in collections])

    @routes.get("/{collection}", tags=["collections"])
    async def get_collection(
        collection: str, service: Annotated[Indexer, Depends(indexer)]
    ) -> CollectionState:
        """A collection with what it holds, what waits and what cannot be indexed."""
        stored = await service.get_collection(collection)
        letters = await service.dead_letters(collection)
        return CollectionState(
            **CollectionAnswer.of(stored).model_dump(),
            documents=await service.count(collection),
            pending=await service.backlog(collection),
            dead_letters=[
                Refused(id=letter.document_id, type=InvalidDocument.slug, detail=letter.reason)
                for letter in letters[:MAX_DEAD_LETTERS]
            ],
        )


def _add_writing(routes: APIRouter, indexer: Callable[..., Indexer]) -> None:
    @routes.put("/{collection}", tags=["collections"], responses={201: {"model": CollectionAnswer}})
    async def put_collection(
        collection: str,
        response: Response,
        service: Annotated[Indexer, Depends(indexer)],
        who: Annotated[str, Depends(who_asked)],
        body: CollectionBody | None = None,
    ) -> CollectionAnswer:
        """Create a collection (201), or declare more keys of one that is there (200).

        Neither a key's type nor the language can change: that is a 409.
        """
        declared = body or CollectionBody()
        stored, created = await service.declare(collection, declared.fields, declared.language, who)
        response.status_code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return CollectionAnswer.of(stored)

    @routes.delete("/{collection}", tags=["collections"], status_code=204)
    async def delete_collection(
        collection: str,
        service: Annotated[Indexer, Depends(indexer)],
        who: Annotated[str, Depends(who_asked)],
    ) -> None:
        """Remove a collection with all its documents."""
        await service.delete_collection(collection, who)
