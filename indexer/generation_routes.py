"""The HTTP side of generations. Every route here needs the admin key.

Decisions:

- A build runs in the server's background: starting one answers 202, and the list tells how
  far it is. Starting what is under way already goes on with it.
- The switch, the way back and the removal answer when they are done.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from indexer.generation_bodies import (
    BuildChange,
    ChecksAnswer,
    GenerationAnswer,
    GenerationsAnswer,
    ReindexBody,
    RemovedAnswer,
    VerdictBody,
)
from indexer.generations.service import Generations
from services.web.who import who_asked

Who = Annotated[str, Depends(who_asked)]
Name = Annotated[str, Query(alias="collection", description="The collection.")]


def router(generations: Callable[..., Generations]) -> APIRouter:
    """The routes of generations.

    Args:
        generations: a FastAPI dependency that gives them.
    """
    routes = APIRouter(prefix="/v1/admin", tags=["generations"])
    _add_builds(routes, generations)
    _add_changes(routes, generations)
    _add_switches(routes, generations)
    return routes


def _add_builds(routes: APIRouter, generations: Callable[..., Generations]) -> None:
    @routes.get("/generations")
    async def list_generations(
        service: Annotated[Generations, Depends(generations)], collection: Name = "default"
    ) -> GenerationsAnswer:
        """Every generation of a collection, oldest first, builds with their progress."""
        found = await service.list(collection)
        answers = [GenerationAnswer.of(each, service.grace_s) for each in found]
        return GenerationsAnswer(generations=answers)

    @routes.post("/generations", status_code=202)
    async def reindex(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        collection: Name = "default",
        body: ReindexBody | None = None,
    ) -> GenerationAnswer:
        """Build a generation beside the live one, or go on with the same build."""
        made = await service.start(collection, (body or ReindexBody()).order(), who)
        return await _answer(service, collection, made.id)

    @routes.get("/generations/{id}")
    async def get_generation(
        service: Annotated[Generations, Depends(generations)],
        id: str,  # noqa: A002  # the parameter's name in the path
        collection: Name = "default",
    ) -> GenerationAnswer:
        """One generation."""
        return await _answer(service, collection, id)


def _add_changes(routes: APIRouter, generations: Callable[..., Generations]) -> None:
    @routes.patch("/generations/{id}")
    async def change_build(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        id: str,  # noqa: A002
        body: BuildChange,
        collection: Name = "default",
    ) -> GenerationAnswer:
        """Pause a build, let it go on, change its speed, or whether it becomes live by itself."""
        changed = await service.change(collection, id, who, body.asked())
        return await _answer(service, collection, changed.id)

    @routes.delete("/generations/{id}", status_code=204)
    async def cancel_build(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        id: str,  # noqa: A002
        collection: Name = "default",
    ) -> None:
        """Give up a build, or one that is ready, and remove what it left."""
        await service.cancel(collection, id, who)


def _add_switches(routes: APIRouter, generations: Callable[..., Generations]) -> None:
    @routes.get("/generations/{id}/checks")
    async def check_generation(
        service: Annotated[Generations, Depends(generations)],
        id: str,  # noqa: A002
        collection: Name = "default",
    ) -> ChecksAnswer:
        """What a switch asks for, looked at now."""
        return ChecksAnswer.of(await service.check(collection, id))

    @routes.put("/generations/{id}/verdict")
    async def judge_generation(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        id: str,  # noqa: A002
        body: VerdictBody,
        collection: Name = "default",
    ) -> GenerationAnswer:
        """Keep what judged queries say of a generation: too great a loss refuses the switch."""
        judged = await service.judge(collection, id, who, body.verdict())
        return await _answer(service, collection, judged.id)

    @routes.post("/generations/{id}/activate")
    async def activate_generation(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        id: str,  # noqa: A002
        body: VerdictBody | None = None,
        collection: Name = "default",
        force: Annotated[bool, Query(description="Also where a check fails.")] = False,
    ) -> GenerationAnswer:
        """Let a generation answer searches, once it passes its checks."""
        verdict = body.verdict() if body else None
        live = await service.activate(collection, id, who, force=force, verdict=verdict)
        return await _answer(service, collection, live.id)

    @routes.post("/rollback")
    async def roll_back(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        collection: Name = "default",
        to: Annotated[str, Query(description="A retired generation; empty: the last one.")] = "",
    ) -> GenerationAnswer:
        """Switch back to the generation that was live before."""
        live = await service.rollback(collection, who, to)
        return await _answer(service, collection, live.id)

    @routes.post("/gc")
    async def collect_garbage(
        service: Annotated[Generations, Depends(generations)],
        who: Who,
        collection: Name = "default",
        dry_run: Annotated[bool, Query(description="Remove nothing.")] = False,
        orphans: Annotated[
            bool, Query(description="Also remove indexes that no generation owns.")
        ] = False,
    ) -> RemovedAnswer:
        """Remove generations past their grace period, never the live one nor one in use."""
        removed = await service.garbage.collect(collection, who, dry_run=dry_run, orphans=orphans)
        return RemovedAnswer.of(removed, dry_run=dry_run)


async def _answer(service: Generations, collection: str, identifier: str) -> GenerationAnswer:
    return GenerationAnswer.of(await service.get(collection, identifier), service.grace_s)
