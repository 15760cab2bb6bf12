"""Collections made, extended and removed; each of these is in the audit log."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from indexer.draining import Drainer
from indexer.fingerprints import first_generation
from indexer.generations.auditing import audited
from services.assembly import Services
from services.collections import Collection, FieldType, Schema, check_collection_name
from services.errors import AlreadyExists, CollectionNotFound, WinnowError
from services.generations import Generation, GenerationState

_log = logging.getLogger(__name__)


class Collections:
    """What may be done to collections as a whole."""

    def __init__(self, services: Services, drainer: Drainer) -> None:
        self._services = services
        self._ledger = services.ledger
        self._drainer = drainer

    async def create(
        self, name: str, schema: Mapping[str, FieldType], language: str, who: str
    ) -> Collection:
        """Add a collection with its first generation.

        Args:
            schema: declared metadata keys; others get the type of their first value.
            language: of documents that name none; "" has it detected.

        Raises:
            AlreadyExists, InvalidInput, SchemaConflict: see there.
        """
        declared = Schema().declare(schema)
        collection = Collection(check_collection_name(name), declared, language)
        first = first_generation(name, self._services)
        async with audited(self._ledger.audit, who, "create-collection", name, first.id) as action:
            action.detail = _told(declared.fields, language)
            await self._ledger.collections.create(collection, first)
        return collection

    async def ensure(self, name: str, who: str) -> Collection:
        """The collection, created where there is none."""
        try:
            return await self._ledger.collections.get(check_collection_name(name))
        except CollectionNotFound:
            pass
        try:
            return await self.create(name, {}, "", who)
        except AlreadyExists:
            return await self._ledger.collections.get(name)

    async def declare(
        self, name: str, schema: Mapping[str, FieldType], language: str, who: str
    ) -> tuple[Collection, bool]:
        """Create a collection, or add metadata keys to it; whether it was created.

        Raises:
            SchemaConflict: a key has another type.
            AlreadyExists: the collection has another language.
        """
        try:
            collection = await self._ledger.collections.get(check_collection_name(name))
        except CollectionNotFound:
            try:
                return await self.create(name, schema, language, who), True
            except AlreadyExists:
                collection = await self._ledger.collections.get(name)
        if language not in ("", collection.language):
            raise AlreadyExists(
                f"'{name}' has the language {collection.language or 'detected'!r}, which cannot "
                "change. Use another collection."
            )
        extended = replace(collection, schema=collection.schema.declare(schema))
        if extended == collection:
            return collection, False
        async with audited(self._ledger.audit, who, "declare-metadata", name) as action:
            action.detail = _told(schema, "")
            return await self._ledger.collections.extend_schema(extended), False

    async def delete(self, name: str, who: str) -> None:
        """Remove a collection with its documents and indexes; CollectionNotFound if absent.

        The ledger forgets it first, so that searches and writes end with "no such
        collection" rather than with half of one.
        """
        async with audited(self._ledger.audit, who, "delete-collection", name):
            for generation in await self._ledger.collections.generations(name):
                if generation.state is GenerationState.BUILDING:
                    # It gives the lock back after what is in the making.
                    self._drainer.builds.stop(generation)
            async with self._drainer.lock(name):
                generations = await self._ledger.collections.generations(name)
                await self._ledger.collections.delete(name)
                self._drainer.forget(name)
                for generation in generations:
                    self._drainer.builds.forget(generation)
                    await self._drop(generation)

    async def _drop(self, generation: Generation) -> None:
        """Remove the indexes; what an engine out of reach keeps of them is never opened again."""
        drops = (
            store.drop(generation) for store in (self._services.lexical, self._services.vectors)
        )
        for result in await asyncio.gather(*drops, return_exceptions=True):
            if isinstance(result, WinnowError):
                _log.warning("An index of %s was left behind: %s", generation.name, result.detail)
            elif result is not None:
                raise result


def _told(fields: Mapping[str, FieldType], language: str) -> str:
    """What was declared, for the audit log."""
    keys = [f"{key}: {kind}" for key, kind in fields.items()]
    return ", ".join([*keys, *([f"language {language}"] if language else [])])
