"""The HTTP side of verification, repair, dead letters and backups.

Every route here needs the admin key. Comparing and repairing answer when they are done, and
tell meanwhile how far they are where that is accepted (:mod:`indexer.streaming`). A backup is
streamed while it is read, and one that breaks off lacks its end, which no restoration takes. A
backup that comes in is kept in a file until all of it is checked.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from indexer.consistency.headway import OnStage
from indexer.consistency.service import Consistency
from indexer.consistency_bodies import (
    AuditAnswer,
    DeadLettersAnswer,
    DeadLettersBody,
    ReconciledAnswer,
    RestoredAnswer,
    TakenAnswer,
    VerificationsAnswer,
)
from indexer.streaming import NDJSON, told
from services.web.who import who_asked

RESTORE_PATH = "/v1/admin/restore"
"""Takes a body of any length."""

Who = Annotated[str, Depends(who_asked)]
Name = Annotated[str, Query(alias="collection", description="The collection.")]
GenerationId = Annotated[str, Query(alias="generation", description="Empty: the live one.")]

_GZIP = "application/gzip"

_TOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Where JSON lines are accepted: progress once a second, then the result.",
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"progress": {"stage": "comparing", "documents": 500, "total": 9000, '
                '"chunks": 0, "seconds": 1.5, "seconds_left": 25.5}}\n{"result": {}}\n',
            }
        },
    }
}


def router(consistency: Callable[..., Consistency]) -> APIRouter:
    """The routes of consistency.

    Args:
        consistency: a FastAPI dependency that gives it.
    """
    routes = APIRouter(tags=["consistency"])
    _add_comparisons(routes, consistency)
    _add_dead_letters(routes, consistency)
    _add_backups(routes, consistency)
    return routes


def _add_comparisons(routes: APIRouter, consistency: Callable[..., Consistency]) -> None:
    @routes.get("/v1/admin/verify", response_model=VerificationsAnswer, responses=_TOLD)
    async def verify(
        service: Annotated[Consistency, Depends(consistency)],
        request: Request,
        collection: Name = "default",
        generation: Annotated[str, Query(description="Empty: every one that is kept.")] = "",
    ) -> VerificationsAnswer | StreamingResponse:
        """Compare ledger, text index and vector index, id by id and chunk by chunk."""

        async def work(on_stage: OnStage) -> VerificationsAnswer:
            found = await service.verify(collection, generation, on_stage)
            return VerificationsAnswer.of(collection, found)

        return await told(request, work)

    @routes.post("/v1/admin/reconcile", response_model=ReconciledAnswer, responses=_TOLD)
    async def reconcile(
        service: Annotated[Consistency, Depends(consistency)],
        request: Request,
        who: Who,
        collection: Name = "default",
    ) -> ReconciledAnswer | StreamingResponse:
        """Repair what a comparison finds."""

        async def work(on_stage: OnStage) -> ReconciledAnswer:
            done = await service.reconcile(collection, who, on_stage)
            return ReconciledAnswer.of(collection, done)

        return await told(request, work)

    @routes.get("/v1/admin/audit")
    async def audit(
        service: Annotated[Consistency, Depends(consistency)],
        collection: Annotated[str, Query(description="Empty: of every collection.")] = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    ) -> AuditAnswer:
        """Who did what, newest first."""
        return AuditAnswer.of(await service.audit(collection, limit))


def _add_dead_letters(routes: APIRouter, consistency: Callable[..., Consistency]) -> None:
    @routes.get("/v1/admin/dead-letters")
    async def list_dead_letters(
        service: Annotated[Consistency, Depends(consistency)],
        collection: Name = "default",
        generation: GenerationId = "",
    ) -> DeadLettersAnswer:
        """What could not be indexed, with the reasons."""
        return DeadLettersAnswer.of(*await service.dead_letters(collection, generation))

    @routes.post("/v1/admin/dead-letters/retry")
    async def retry_dead_letters(
        service: Annotated[Consistency, Depends(consistency)],
        who: Who,
        body: DeadLettersBody,
        collection: Name = "default",
        generation: GenerationId = "",
    ) -> TakenAnswer:
        """Try them again in the background."""
        return TakenAnswer(count=await service.retry(collection, generation, body.ids, who))

    @routes.post("/v1/admin/dead-letters/drop")
    async def drop_dead_letters(
        service: Annotated[Consistency, Depends(consistency)],
        who: Who,
        body: DeadLettersBody,
        collection: Name = "default",
        generation: GenerationId = "",
    ) -> TakenAnswer:
        """Take them off the list; the next change of a document is tried again."""
        return TakenAnswer(count=await service.drop(collection, generation, body.ids, who))


def _add_backups(routes: APIRouter, consistency: Callable[..., Consistency]) -> None:
    @routes.get(
        "/v1/admin/backup", response_class=Response, responses={200: {"content": {_GZIP: {}}}}
    )
    async def back_up(
        service: Annotated[Consistency, Depends(consistency)],
        who: Who,
        collection: Annotated[
            list[str] | None, Query(description="May be repeated; none: every collection.")
        ] = None,
    ) -> StreamingResponse:
        """The ledger as a file; see the documentation of `winnow admin backup`."""
        parts = service.backup(collection or (), who)
        # What is not there must be told before the answer begins.
        first = await anext(parts)
        return StreamingResponse(_continued(first, parts), media_type=_GZIP)

    @routes.post(
        RESTORE_PATH,
        openapi_extra={"requestBody": {"required": True, "content": {_GZIP: {}}}},
    )
    async def restore(
        service: Annotated[Consistency, Depends(consistency)], who: Who, request: Request
    ) -> RestoredAnswer:
        """Store what a backup holds; indexing it in the background rebuilds both engines."""
        with tempfile.TemporaryDirectory(prefix="winnow-restore-") as folder:
            path = Path(folder) / "backup"
            await _save(request.stream(), path)
            return RestoredAnswer.of(await service.restore(path, who))


async def _continued(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


async def _save(parts: AsyncIterator[bytes], path: Path) -> None:
    with path.open("wb") as file:
        async for part in parts:
            await asyncio.to_thread(file.write, part)
