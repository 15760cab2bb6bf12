"""The seam between the commands and what they work on: stores of this process, or a server."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from indexer.draft import Draft
from indexer.outcomes import OnProgress
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from services.deadlines import Deadline
from services.embedded.lock import find_owner
from services.settings import Settings

if TYPE_CHECKING:
    from cli.consistency_backend import ConsistencyBackend
    from cli.generation_backend import GenerationBackend
    from cli.key_backend import KeyBackend

WAIT_FOR_OWNER_S = 10.0
_POLL_S = 0.1

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of documents to be stored or deleted.

    Attributes:
        unchanged: stored as they are already, or not there to be deleted.
        refused: (id, reason) of each that cannot be stored as it is.
    """

    changed: int
    unchanged: int
    refused: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Indexed:
    """What one wait for indexing saw.

    Attributes:
        chunks: written, 0 where a server does not tell.
        refused: the reason for each document that cannot be indexed as it is.
    """

    documents: int
    chunks: int
    refused: Mapping[str, str] = field(default_factory=dict)


class Backend(Protocol):
    """What a command may ask for; JSON objects have the shapes of the HTTP API.

    Attributes:
        keeps_pages: whether ``next`` of an answer still leads on after this command's end.
    """

    keeps_pages: ClassVar[bool]

    @property
    def consistency(self) -> "ConsistencyBackend":
        """Verification, repair, dead letters, backups."""

    @property
    def generations(self) -> "GenerationBackend":
        """The generations of every collection."""

    @property
    def keys(self) -> "KeyBackend":
        """Who may ask."""

    async def search(self, collection: str, request: SearchRequest) -> SearchAnswer:
        """Search a collection."""

    async def put(self, collection: str, drafts: Sequence[Draft]) -> Stored:
        """Store documents; :meth:`index` makes them searchable."""

    async def delete(self, collection: str, ids: Sequence[str]) -> Stored:
        """Delete documents."""

    async def index(self, collection: str, progress: OnProgress) -> Indexed:
        """Return once all that was stored is indexed."""

    async def document(self, collection: str, identifier: str) -> JsonObject:
        """A document whole, or DocumentNotFound."""

    async def documents(
        self, collection: str, after: str, limit: int, prefix: str
    ) -> Sequence[JsonObject]:
        """Documents without their text, by id."""

    async def collections(self) -> Sequence[JsonObject]:
        """All collections by name."""

    async def collection(self, name: str) -> JsonObject:
        """A collection, or CollectionNotFound."""

    async def create_collection(
        self, name: str, schema: Mapping[str, str], language: str
    ) -> JsonObject:
        """Add a collection, or AlreadyExists."""

    async def ensure_collection(self, name: str) -> None:
        """Add a collection where it does not exist."""

    async def delete_collection(self, name: str) -> None:
        """Remove a collection with all its documents."""


@asynccontextmanager
async def open_backend(settings: Settings) -> AsyncIterator[Backend]:
    """The server that is named, else the one that owns the data directory, else its stores.

    Raises:
        BackendUnavailable: the server does not answer, or another process that serves
            nothing keeps the data directory.
    """
    deadline = Deadline.after(WAIT_FOR_OWNER_S)
    url = settings.server or await _owner_url(settings, deadline)
    if url:
        from cli.remote import open_remote

        async with open_remote(url, settings) as remote:
            yield remote
        return
    from cli.local import open_local

    async with open_local(settings, wait_for_lock_s=deadline.remaining_s()) as local:
        yield local


async def _owner_url(settings: Settings, deadline: Deadline) -> str:
    """Where the data directory's owner serves, "" without an owner.

    An owner without an address may be a server that is starting, or a command about to end.
    Whoever waits too long is told by the lock who has it.
    """
    while (owner := find_owner(settings.data_path)) is not None:
        if owner.url or not deadline.remaining_s():
            return owner.url
        await asyncio.sleep(_POLL_S)
    return ""
