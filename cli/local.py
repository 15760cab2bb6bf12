"""The stores of this process as a backend."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from cli.backend import Indexed, JsonObject, Stored
from cli.who import local_user
from indexer.bodies import CollectionAnswer, DocumentAnswer, DocumentSummary
from indexer.draft import Draft
from indexer.outcomes import OnProgress, Outcome
from indexer.service import Indexer
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services, open_services
from services.collections import FieldType
from services.errors import InvalidInput
from services.settings import Settings

if TYPE_CHECKING:
    from cli.consistency_backend import LocalConsistency
    from cli.generation_backend import LocalGenerations
    from cli.key_backend import LocalKeys


@asynccontextmanager
async def open_local(
    settings: Settings, *, wait_for_lock_s: float = 10.0
) -> AsyncIterator["Local"]:
    """The data directory's stores, for as long as the block runs.

    Raises:
        DataDirectoryLocked: another process keeps it.
    """
    async with open_services(settings, wait_for_lock_s=wait_for_lock_s) as services:
        indexer = Indexer(services)
        try:
            yield Local(services, indexer)
        finally:
            await indexer.close()


class Local:
    """Indexes on demand: there is no background loop in a command.

    What administers is imported where it is asked for: a search waits for every import.
    """

    keeps_pages: ClassVar[bool] = False  # result lists are in this process's memory

    def __init__(self, services: Services, indexer: Indexer) -> None:
        self.services = services
        self.indexer = indexer
        self.searcher = SearchService(services)

    @property
    def consistency(self) -> "LocalConsistency":
        """See :class:`cli.backend.Backend`."""
        from cli.consistency_backend import LocalConsistency

        return LocalConsistency(self.indexer)

    @property
    def generations(self) -> "LocalGenerations":
        """See :class:`cli.backend.Backend`."""
        from cli.generation_backend import LocalGenerations

        return LocalGenerations(self.indexer)

    @property
    def keys(self) -> "LocalKeys":
        """See :class:`cli.backend.Backend`."""
        from cli.key_backend import LocalKeys

        return LocalKeys(self.services)

    async def search(self, collection: str, request: SearchRequest) -> SearchAnswer:
        """See :class:`cli.backend.Backend`."""
        return await self.searcher.search(collection, request)

    async def put(self, collection: str, drafts: Sequence[Draft]) -> Stored:
        """See :class:`cli.backend.Backend`."""
        return _stored(await self.indexer.put(collection, drafts))

    async def delete(self, collection: str, ids: Sequence[str]) -> Stored:
        """See :class:`cli.backend.Backend`."""
        return _stored(await self.indexer.delete(collection, ids))

    async def index(self, collection: str, progress: OnProgress) -> Indexed:
        """See :class:`cli.backend.Backend`."""
        report = await self.indexer.index_pending(collection, progress)
        refused = {letter.document_id: letter.reason for letter in report.dead_letters}
        return Indexed(report.documents, report.chunks, refused)

    async def document(self, collection: str, identifier: str) -> JsonObject:
        """See :class:`cli.backend.Backend`."""
        record = await self.indexer.get(collection, identifier)
        return DocumentAnswer.whole(record).model_dump(mode="json")

    async def documents(
        self, collection: str, after: str, limit: int, prefix: str
    ) -> Sequence[JsonObject]:
        """See :class:`cli.backend.Backend`."""
        await self.indexer.get_collection(collection)
        summaries = await self.indexer.list(collection, after, limit, prefix)
        return [DocumentSummary.of(summary).model_dump(mode="json") for summary in summaries]

    async def collections(self) -> Sequence[JsonObject]:
        """See :class:`cli.backend.Backend`."""
        return [
            CollectionAnswer.of(each).model_dump(mode="json", by_alias=True)
            for each in await self.indexer.list_collections()
        ]

    async def collection(self, name: str) -> JsonObject:
        """See :class:`cli.backend.Backend`."""
        found = await self.indexer.get_collection(name)
        return CollectionAnswer.of(found).model_dump(mode="json", by_alias=True)

    async def create_collection(
        self, name: str, schema: Mapping[str, str], language: str
    ) -> JsonObject:
        """See :class:`cli.backend.Backend`."""
        fields = {key: _field_type(key, kind) for key, kind in schema.items()}
        created = await self.indexer.create_collection(name, fields, language, local_user())
        return CollectionAnswer.of(created).model_dump(mode="json", by_alias=True)

    async def ensure_collection(self, name: str) -> None:
        """See :class:`cli.backend.Backend`."""
        await self.indexer.ensure_collection(name, local_user())

    async def delete_collection(self, name: str) -> None:
        """See :class:`cli.backend.Backend`."""
        await self.indexer.delete_collection(name, local_user())


def _stored(outcomes: Sequence[Outcome]) -> Stored:
    refused = [(outcome.id, outcome.refused) for outcome in outcomes if outcome.refused]
    changed = sum(outcome.changed for outcome in outcomes)
    return Stored(changed, len(outcomes) - changed - len(refused), refused)


def _field_type(key: str, kind: str) -> FieldType:
    if kind not in set(FieldType):
        raise InvalidInput(f"'{key}': {kind!r} is no type; use one of {', '.join(FieldType)}.")
    return FieldType(kind)
