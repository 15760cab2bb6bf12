"""Verification, repair, dead letters and backups as commands see them: here, or on a server."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from cli.backend import JsonObject
from cli.files import parts_of
from cli.who import local_user
from indexer.consistency_bodies import (
    AuditAnswer,
    DeadLettersAnswer,
    ReconciledAnswer,
    RestoredAnswer,
    VerificationsAnswer,
)
from indexer.service import Indexer

Ask = Callable[..., Awaitable[JsonObject]]
Download = Callable[..., AsyncIterator[bytes]]
OnCount = Callable[[int], None]
"""Hears how many were done so far; a server does not tell."""


class ConsistencyBackend(Protocol):
    """What a command may ask for; JSON objects have the shapes of the HTTP API."""

    async def verify(self, collection: str, generation: str, on_compared: OnCount) -> JsonObject:
        """Compare the ledger with the engines."""

    async def reconcile(self, collection: str, on_compared: OnCount) -> JsonObject:
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

    async def verify(self, collection: str, generation: str, on_compared: OnCount) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        found = await self._service.verify(collection, generation, on_compared)
        return VerificationsAnswer.of(collection, found).model_dump(mode="json")

    async def reconcile(self, collection: str, on_compared: OnCount) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        done = await self._service.reconcile(collection, self._who, on_compared)
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
    """Of a server, which tells when it is done."""

    def __init__(self, ask: Ask, download: Download) -> None:
        """Requests for JSON and for bytes: a method and a path, with httpx's options."""
        self._ask = ask
        self._download = download

    async def verify(self, collection: str, generation: str, on_compared: OnCount) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        answer = await self._send("GET", "verify", collection=collection, generation=generation)
        on_compared(sum(each["documents"] for each in answer["generations"]))
        return answer

    async def reconcile(
        self,
        collection: str,
        on_compared: OnCount,  # noqa: ARG002  # it tells what was repaired only
    ) -> JsonObject:
        """See :class:`ConsistencyBackend`."""
        return await self._send("POST", "reconcile", collection=collection)

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
        # Comparing takes as long as it takes.
        return await self._ask(
            method, f"/v1/admin/{path}", json=body, params=parameters, timeout=None
        )
