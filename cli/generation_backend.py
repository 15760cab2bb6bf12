"""Generations as commands see them: of this process, or of a server."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from cli.backend import JsonObject
from cli.who import local_user
from indexer.generation_bodies import (
    BuildChange,
    ChecksAnswer,
    GenerationAnswer,
    ReindexBody,
    RemovedAnswer,
    VerdictBody,
)
from indexer.service import Indexer

Ask = Callable[..., Awaitable[JsonObject]]


class GenerationBackend(Protocol):
    """What a command may ask for; JSON objects have the shapes of the HTTP API."""

    async def reindex(self, collection: str, body: JsonObject) -> JsonObject:
        """Begin to build a generation in the background, or go on with the same build."""

    async def list(self, collection: str) -> Sequence[JsonObject]:
        """Every generation, oldest first."""

    async def change(self, collection: str, identifier: str, body: JsonObject) -> JsonObject:
        """Change what is asked of a build."""

    async def cancel(self, collection: str, identifier: str) -> None:
        """Give up a build."""

    async def checks(self, collection: str, identifier: str) -> JsonObject:
        """What a switch asks for, looked at now."""

    async def judge(self, collection: str, identifier: str, verdict: JsonObject) -> JsonObject:
        """Keep what judged queries say of a generation."""

    async def activate(
        self, collection: str, identifier: str, *, force: bool, verdict: JsonObject | None = None
    ) -> JsonObject:
        """Let a generation answer searches."""

    async def rollback(self, collection: str, to: str) -> JsonObject:
        """Switch back."""

    async def collect(self, collection: str, *, dry_run: bool, orphans: bool) -> JsonObject:
        """Remove what is past its grace period."""


class LocalGenerations:
    """Of this process; a build runs while the command does."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer
        self._service = indexer.generations
        self._who = local_user()

    async def reindex(self, collection: str, body: JsonObject) -> JsonObject:
        """See :class:`GenerationBackend`."""
        order = ReindexBody.model_validate(body).order()
        made = await self._service.start(collection, order, self._who)
        self._indexer.start()
        return await self._answer(collection, made.id)

    async def list(self, collection: str) -> Sequence[JsonObject]:
        """See :class:`GenerationBackend`."""
        found = await self._service.list(collection)
        answers = (GenerationAnswer.of(each, self._service.grace_s) for each in found)
        return [answer.model_dump(mode="json") for answer in answers]

    async def change(self, collection: str, identifier: str, body: JsonObject) -> JsonObject:
        """See :class:`GenerationBackend`."""
        wanted = BuildChange.model_validate(body).asked()
        changed = await self._service.change(collection, identifier, self._who, wanted)
        return await self._answer(collection, changed.id)

    async def cancel(self, collection: str, identifier: str) -> None:
        """See :class:`GenerationBackend`."""
        await self._service.cancel(collection, identifier, self._who)

    async def checks(self, collection: str, identifier: str) -> JsonObject:
        """See :class:`GenerationBackend`."""
        found = await self._service.check(collection, identifier)
        return ChecksAnswer.of(found).model_dump(mode="json")

    async def judge(self, collection: str, identifier: str, verdict: JsonObject) -> JsonObject:
        """See :class:`GenerationBackend`."""
        said = VerdictBody.model_validate(verdict).verdict()
        judged = await self._service.judge(collection, identifier, self._who, said)
        return await self._answer(collection, judged.id)

    async def activate(
        self, collection: str, identifier: str, *, force: bool, verdict: JsonObject | None = None
    ) -> JsonObject:
        """See :class:`GenerationBackend`."""
        judged = VerdictBody.model_validate(verdict).verdict() if verdict else None
        live = await self._service.activate(
            collection, identifier, self._who, force=force, verdict=judged
        )
        return await self._answer(collection, live.id)

    async def rollback(self, collection: str, to: str) -> JsonObject:
        """See :class:`GenerationBackend`."""
        live = await self._service.rollback(collection, self._who, to)
        return await self._answer(collection, live.id)

    async def collect(self, collection: str, *, dry_run: bool, orphans: bool) -> JsonObject:
        """See :class:`GenerationBackend`."""
        removed = await self._service.garbage.collect(
            collection, self._who, dry_run=dry_run, orphans=orphans
        )
        return RemovedAnswer.of(removed, dry_run=dry_run).model_dump(mode="json")

    async def _answer(self, collection: str, identifier: str) -> JsonObject:
        standing = await self._service.get(collection, identifier)
        return GenerationAnswer.of(standing, self._service.grace_s).model_dump(mode="json")


class RemoteGenerations:
    """Of a server, which builds whether or not the command watches."""

    def __init__(self, ask: Ask) -> None:
        """``ask`` sends a method and a path, with httpx's options, and gives the JSON."""
        self._ask = ask

    async def reindex(self, collection: str, body: JsonObject) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send("POST", collection, "generations", json=body)

    async def list(self, collection: str) -> Sequence[JsonObject]:
        """See :class:`GenerationBackend`."""
        answer = await self._send("GET", collection, "generations")
        found: list[JsonObject] = answer["generations"]
        return found

    async def change(self, collection: str, identifier: str, body: JsonObject) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send("PATCH", collection, _path(identifier), json=body)

    async def cancel(self, collection: str, identifier: str) -> None:
        """See :class:`GenerationBackend`."""
        await self._send("DELETE", collection, _path(identifier))

    async def checks(self, collection: str, identifier: str) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send("GET", collection, f"{_path(identifier)}/checks")

    async def judge(self, collection: str, identifier: str, verdict: JsonObject) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send("PUT", collection, f"{_path(identifier)}/verdict", json=verdict)

    async def activate(
        self, collection: str, identifier: str, *, force: bool, verdict: JsonObject | None = None
    ) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send(
            "POST", collection, f"{_path(identifier)}/activate", json=verdict, force=force
        )

    async def rollback(self, collection: str, to: str) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send("POST", collection, "rollback", to=to)

    async def collect(self, collection: str, *, dry_run: bool, orphans: bool) -> JsonObject:
        """See :class:`GenerationBackend`."""
        return await self._send("POST", collection, "gc", dry_run=dry_run, orphans=orphans)

    async def _send(
        self, method: str, collection: str, path: str, json: Any = None, **parameters: object
    ) -> JsonObject:
        return await self._ask(
            method, f"/v1/admin/{path}", json=json, params={"collection": collection, **parameters}
        )


def _path(identifier: str) -> str:
    return f"generations/{quote(identifier, safe='')}"
