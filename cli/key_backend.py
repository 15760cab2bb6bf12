"""Keys as commands see them: of this installation's ledger, or of a server."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from urllib.parse import quote

from cli.backend import JsonObject
from cli.who import local_user
from indexer.key_routes import KeyAnswer, MadeKeyAnswer
from indexer.keys import KeyCabinet
from services.assembly import Services

Ask = Callable[..., Awaitable[JsonObject]]

_PATH = "/v1/admin/keys"


class KeyBackend(Protocol):
    """What a command may ask for; JSON objects have the shapes of the HTTP API."""

    async def create(self, name: str, role: str) -> JsonObject:
        """Make a key."""

    async def list(self) -> Sequence[JsonObject]:
        """Every key, the oldest first."""

    async def revoke(self, identifier: str) -> None:
        """Let a key open nothing any more."""


class LocalKeys:
    """Of this process: who can open the ledger may make keys."""

    def __init__(self, services: Services) -> None:
        self._cabinet = KeyCabinet(services)

    async def create(self, name: str, role: str) -> JsonObject:
        """See :class:`KeyBackend`."""
        made = await self._cabinet.create(name, administers=role == "admin", who=local_user())
        return MadeKeyAnswer.made(made).model_dump(mode="json")

    async def list(self) -> Sequence[JsonObject]:
        """See :class:`KeyBackend`."""
        return [KeyAnswer.of(key).model_dump(mode="json") for key in await self._cabinet.list()]

    async def revoke(self, identifier: str) -> None:
        """See :class:`KeyBackend`."""
        await self._cabinet.revoke(identifier, local_user())


class RemoteKeys:
    """Of a server."""

    def __init__(self, ask: Ask) -> None:
        """``ask`` sends a method and a path, with httpx's options, and gives the JSON."""
        self._ask = ask

    async def create(self, name: str, role: str) -> JsonObject:
        """See :class:`KeyBackend`."""
        return await self._ask("POST", _PATH, json={"name": name, "role": role})

    async def list(self) -> Sequence[JsonObject]:
        """See :class:`KeyBackend`."""
        keys: list[JsonObject] = (await self._ask("GET", _PATH))["keys"]
        return keys

    async def revoke(self, identifier: str) -> None:
        """See :class:`KeyBackend`."""
        await self._ask("DELETE", f"{_PATH}/{quote(identifier, safe='')}")
