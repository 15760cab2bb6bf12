"""Verification, repair, dead letters and backups as commands see them: here, or on a server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from cli.backend import JsonObject
from cli.files import parts_of
from cli.who import local_user
from indexer.consistency.headway import OnStage, Stage
from indexer.consistency_bodies import (
    AuditAnswer,
    DeadLettersAnswer,
    ReconciledAnswer,
    RestoredAnswer,
    VerificationsAnswer,
)
from indexer.outcomes import Progress
from indexer.service import Indexer
from indexer.streaming import NDJSON, TELL_S
from services.errors import BackendUnavailable
from services.web.problem_types import error_of

Ask = Callable[..., Awaitable[JsonObject]]
Download = Callable[..., AsyncIterator[bytes]]
OnCount = Callable[[int], None]
"""Hears how many were done so far; a server does not tell."""

SILENCE_S = 60 * TELL_S
"""A server that tells nothing for so long is gone."""


class ConsistencyBackend(Protocol):
    """What a command may ask for; JSON objects have the shapes of the HTTP API."""

    async def verify(self, collection: str, generation: str, on_stage: OnStage) -> JsonObject:
        """Compare the ledger with the engines."""

    async def reconcile(self, collection: str, on_stage: OnStage) -> JsonObject:
        """Repair what a comparison finds."""

    async def dead_letters(self, collection: str, generation: str) -> JsonObject:
        """What could not be indexed."""

    async def take(
        self, action: str, collection: str, generation: str, ids: Sequence[str] | None
    ) -> int:
        """``retry`` or ``drop`` dead letters, all of them without ids; returns how many."""

    async def audit(self, collection: str, limit: int) -> JsonObject:
        """Who did what."""

    def backup(self, names: Sequence[str], on_records: OnCount) -> AsyncIterator[bytes]:
        """The bytes of a backup of these collections, of all without names."""

    async def restore(self, path: Path, on_records: OnCount) -> JsonObject:
        """Store what a backup holds; what it holds is to be indexed then."""


class LocalConsistency:
    """Of this process."""

    def __init__(self, indexer: Indexer) -> None:
        self._service = indexer.consistency
        self._who = local_user()

    async def verify(self, collection: str, generation: str, on_stage: OnStage) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        found = await self._service.verify(collection, generation, on_stage)
        return VerificationsAnswer.of(collection, found).model_dump(mode="json")

    async def reconcile(self, collection: str, on_stage: OnStage) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        done = await self._service.reconcile(collection, self._who, on_stage)
        return ReconciledAnswer.of(collection, done).model_dump(mode="json")

    async def dead_letters(self, collection: str, generation: str) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        found = await self._service.dead_letters(collection, generation)
        return DeadLettersAnswer.of(*found).model_dump(mode="json")

    async def take(
        self, action: str, collection: str, generation: str, ids: Sequence[str] | None
    ) -> int:
        """See :class:`ConsistencyBackend`."""
        work = self._service.retry if action == "retry" else self._service.drop
        return await work(collection, generation, ids, self._who)

    async def audit(self, collection: str, limit: int) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        entries = await self._service.audit(collection, limit)
        return AuditAnswer.of(entries).model_dump(mode="json")

    def backup(self, names: Sequence[str], on_records: OnCount) -> AsyncIterator[bytes]:
        """See :class:`ConsistencyBackend`."""
        return self._service.backup(names, self._who, on_records)

    async def restore(self, path: Path, on_records: OnCount) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        restored = await self._service.restore(path, self._who, on_records)
        return RestoredAnswer.of(restored).model_dump(mode="json")


class RemoteConsistency:
    """Of a server."""

    def __init__(self, ask: Ask, download: Download) -> None:
        """Requests for JSON and for bytes: a method and a path, with httpx's options."""
        self._ask = ask
        self._download = download

    async def verify(self, collection: str, generation: str, on_stage: OnStage) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        asked = {"collection": collection, "generation": generation}
        return await self._told("GET", "verify", on_stage, asked)

    async def reconcile(self, collection: str, on_stage: OnStage) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        return await self._told("POST", "reconcile", on_stage, {"collection": collection})

    async def dead_letters(self, collection: str, generation: str) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        return await self._send("GET", "dead-letters", collection=collection, generation=generation)

    async def take(
        self, action: str, collection: str, generation: str, ids: Sequence[str] | None
    ) -> int:
        """See :class:`ConsistencyBackend`."""
        body = {"ids": None if ids is None else list(ids)}
        path = f"dead-letters/{action}"
        answer = await self._send("POST", path, body, collection=collection, generation=generation)
        return int(answer["count"])

    async def audit(self, collection: str, limit: int) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        return await self._send("GET", "audit", collection=collection, limit=limit)

    def backup(
        self,
        names: Sequence[str],
        on_records: OnCount,  # noqa: ARG002  # what arrives is compressed
    ) -> AsyncIterator[bytes]:
        """See :class:`ConsistencyBackend`."""
        return self._download("GET", "/v1/admin/backup", params={"collection": list(names)})

    async def restore(self, path: Path, on_records: OnCount) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        answer = await self._ask("POST", "/v1/admin/restore", content=parts_of(path), timeout=None)
        on_records(answer["records"])
        return answer

    async def _send(
        self, method: str, path: str, body: Any = None, **parameters: object
    ) -> JsonObject:
        return await self._ask(method, f"/v1/admin/{path}", json=body, params=parameters)

    async def _told(
        self, method: str, path: str, on_stage: OnStage, parameters: JsonObject
    ) -> JsonObject:
        """A request's answer, and before it how far the server is."""
        parts = self._download(
            method,
            f"/v1/admin/{path}",
            params=parameters,
            headers={"Accept": NDJSON},
            timeout=SILENCE_S,
        )
        async for line in _lines(parts):
            told: JsonObject = json.loads(line)
            if "progress" in told:
                state = told["progress"]
                fields = (state[name] for name in ("documents", "total", "chunks", "seconds"))
                on_stage(Stage(state["stage"]), Progress(*fields))
            elif "problem" in told:
                raise error_of(told["problem"])
            else:
                result: JsonObject = told["result"]
                return result
        raise BackendUnavailable("The server stopped in the middle of its answer: ask again.")


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line
