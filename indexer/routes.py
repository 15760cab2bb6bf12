"""The HTTP side of collections and documents. Every route here needs the admin key.

Decisions:

- A write to a collection that does not exist is a 404 that says how to create it: a
  misspelt name must not grow a collection. ``?create=true`` creates it first.
- A write answers 202 once the ledger holds it. With ``?wait=true`` it answers 200 once it is
  searchable; where the time runs out first, or no model is there to index it, it answers
  202 with the reason: what is stored is stored, so this is no error.
- A bulk request answers 202 (or 200) whenever its body could be read; lines that were
  refused are in ``refused``, the others are stored.
- Deleting what is not there is a 404 for one document, and counts as unchanged in bulk.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from indexer.bodies import (
    BulkAnswer,
    DocumentAnswer,
    DocumentBody,
    DocumentsAnswer,
    DocumentSummary,
    WriteAnswer,
)
from indexer.bulk import parse_document, parse_json, take_lines
from indexer.collection_routes import add_collection_routes
from indexer.service import Indexer
from services.errors import (
    BackendUnavailable,
    CollectionNotFound,
    DocumentNotFound,
    InvalidDocument,
    ModelUnavailable,
)
from services.web.document_ids import document_id
from services.web.who import who_asked

MAX_WAIT_S = 600.0
DEFAULT_WAIT_S = 30.0
_LINE_OVERHEAD_BYTES = 65_536
_WORST_ESCAPING = 6  # a control character of one byte is \\u0000 in JSON

After = Annotated[str, Query(description="List from the first id greater than this one.")]
Limit = Annotated[int, Query(ge=1, le=1_000)]
_DOCUMENTS = "/{collection}/documents"
_DOCUMENT = _DOCUMENTS + "/{id:document_id}"
_DOCUMENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": DocumentBody.model_json_schema()}},
    }
}
_BULK_BODY = {
    "requestBody": {
        "required": True,
        "description": 'One JSON object a line: a document with its id, or {"delete": "id"}.',
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"id": "a", "text": "First"}\n{"delete": "b"}\n',
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether to answer only when a write is searchable, and how long to wait for that."""

    wait: Annotated[bool, Query(description="Answer once the writes are searchable.")] = False
    timeout_s: Annotated[
        float, Query(gt=0, le=MAX_WAIT_S, description="How long to wait at most, in seconds.")
    ] = DEFAULT_WAIT_S


@dataclass(frozen=True, slots=True)
class Creating:
    """Whether to create the collection where there is none, and who would."""

    who: Annotated[str, Depends(who_asked)]
    create: Annotated[bool, Query(description="Create the collection where there is none.")] = False


def router(indexer: Callable[..., Indexer]) -> APIRouter:
    """The routes of an indexer.

    Args:
        indexer: a FastAPI dependency that gives it.
    """
    routes = APIRouter(prefix="/v1/collections")
    add_collection_routes(routes, indexer)
    _add_reading(routes, indexer)
    _add_writing(routes, indexer)
    _add_bulk(routes, indexer)
    return routes


def _add_reading(routes: APIRouter, indexer: Callable[..., Indexer]) -> None:
    @routes.get(_DOCUMENTS, tags=["documents"])
    async def list_documents(
        collection: str,
        service: Annotated[Indexer, Depends(indexer)],
        after: After = "",
        limit: Limit = 100,
        prefix: str = "",
    ) -> DocumentsAnswer:
        """Documents without their text, by id."""
        page = await service.list(collection, after, limit, prefix)
        return DocumentsAnswer(
            documents=[DocumentSummary.of(item) for item in page],
            next=page[-1].document_id if len(page) == limit else None,
        )

    @routes.get(_DOCUMENT, tags=["documents"])
    async def get_document(
        collection: str,
        identifier: Annotated[str, Depends(document_id)],
        service: Annotated[Indexer, Depends(indexer)],
    ) -> DocumentAnswer:
        """A document whole."""
        return DocumentAnswer.whole(await service.get(collection, identifier))


def _add_writing(routes: APIRouter, indexer: Callable[..., Indexer]) -> None:
    @routes.put(
        _DOCUMENT,
        tags=["documents"],
        status_code=202,
        responses={200: {"model": WriteAnswer}},
        openapi_extra=_DOCUMENT_BODY,
    )
    async def put_document(
        collection: str,
        identifier: Annotated[str, Depends(document_id)],
        request: Request,
        response: Response,
        service: Annotated[Indexer, Depends(indexer)],
        waiting: Annotated[Waiting, Depends()],
        creating: Annotated[Creating, Depends()],
    ) -> WriteAnswer:
        """Store a document under an id; the same content again changes nothing."""
        raw = parse_json(await request.body(), "The body")
        draft = await asyncio.to_thread(parse_document, raw, "The body", identifier)
        await _check_collection(service, collection, creating)
        (outcome,) = await service.put(collection, [draft])
        if outcome.cause is not None:
            raise outcome.cause
        answer = WriteAnswer(id=outcome.id, version=outcome.version, changed=outcome.changed)
        if waiting.wait:
            await _await_write(service, collection, answer, waiting.timeout_s, response)
        return answer

    @routes.delete(
        _DOCUMENT,
        tags=["documents"],
        status_code=202,
        responses={200: {"model": WriteAnswer}},
    )
    async def delete_document(
        collection: str,
        identifier: Annotated[str, Depends(document_id)],
        response: Response,
        service: Annotated[Indexer, Depends(indexer)],
        waiting: Annotated[Waiting, Depends()],
    ) -> WriteAnswer:
        """Delete a document; with ``wait`` no search finds it once this answers 200."""
        (outcome,) = await service.delete(collection, [identifier])
        if outcome.cause is not None:
            raise outcome.cause
        if not outcome.changed:
            raise DocumentNotFound(f"'{collection}' has no document {identifier!r}.")
        answer = WriteAnswer(id=outcome.id, version=outcome.version, changed=True)
        if waiting.wait:
            await _await_write(service, collection, answer, waiting.timeout_s, response)
        return answer


def _add_bulk(routes: APIRouter, indexer: Callable[..., Indexer]) -> None:
    @routes.post(
        _DOCUMENTS,
        tags=["documents"],
        status_code=202,
        responses={200: {"model": BulkAnswer}},
        openapi_extra=_BULK_BODY,
    )
    async def put_documents(
        collection: str,
        request: Request,
        response: Response,
        service: Annotated[Indexer, Depends(indexer)],
        waiting: Annotated[Waiting, Depends()],
        creating: Annotated[Creating, Depends()],
    ) -> BulkAnswer:
        """Store and delete many documents, in the order of the lines.

        Lines are stored while the body arrives: where it breaks off, what came before stays.
        """
        await _check_collection(service, collection, creating)
        cap = service.max_document_bytes * _WORST_ESCAPING + _LINE_OVERHEAD_BYTES
        tally = await take_lines(service, collection, request.stream(), cap)
        searchable, reason = False, ""
        if waiting.wait:
            versions = {key: version for key, (version, _) in tally.versions.items()}
            searchable, reason, dead = await _wait(service, collection, versions, waiting.timeout_s)
            for identifier, why in dead.items():
                tally.bury(identifier, why)
            response.status_code = 200 if searchable else 202
        return BulkAnswer(
            accepted=tally.accepted,
            unchanged=tally.unchanged,
            deleted=tally.deleted,
            refused=tally.refused,
            refused_total=tally.refused_total,
            searchable=searchable,
            reason=reason,
        )


async def _check_collection(service: Indexer, collection: str, creating: Creating) -> None:
    if creating.create:
        await service.ensure_collection(collection, creating.who)
        return
    try:
        await service.get_collection(collection)
    except CollectionNotFound:
        raise CollectionNotFound(
            f"There is no collection '{collection[:80]}'. Create it by PUT "
            "/v1/collections/NAME, or add ?create=true to the write."
        ) from None


async def _await_write(
    service: Indexer, collection: str, answer: WriteAnswer, timeout_s: float, response: Response
) -> None:
    searchable, reason, dead = await _wait(
        service, collection, {answer.id: answer.version}, timeout_s
    )
    for why in dead.values():
        raise InvalidDocument(f"{answer.id!r} is stored and cannot be indexed: {why}")
    answer.searchable, answer.reason = searchable, reason
    response.status_code = 200 if searchable else 202


async def _wait(
    service: Indexer, collection: str, versions: Mapping[str, int], timeout_s: float
) -> tuple[bool, str, Mapping[str, str]]:
    """Whether the versions became searchable, why not, and what never will."""
    try:
        return True, "", await service.settle(collection, versions, timeout_s)
    except (BackendUnavailable, ModelUnavailable) as error:
        return False, error.detail, {}
