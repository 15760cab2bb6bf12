"""Collections, their generations and the pointer to the live one."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.collections import Collection
from services.errors import AlreadyExists, InvalidInput
from services.generations import BY_ACTIVATION, Generation, GenerationState, Head
from services.opensearch.ledger.documents_index import DocumentsIndex
from services.opensearch.ledger.records import Pointer
from services.opensearch.ledger.registry import Registry


class OpenSearchCollections:
    """Implements :class:`services.ports.ledger.CollectionLedger`."""

    def __init__(self, registry: Registry, documents: DocumentsIndex) -> None:
        self._registry = registry
        self._documents = documents

    async def create(self, collection: Collection, generation: Generation) -> Head:
        """Add a collection with its first generation, live at once."""
        live = replace(generation, state=GenerationState.LIVE)
        empty = Pointer(collection, uuid.uuid4().hex, (), "1", 0, 1, 1)
        pointer = empty.with_generation(live)
        # The index first: a record without one would be a collection that lost its documents.
        await self._documents.create(pointer)
        try:
            await self._registry.add(pointer)
        except AlreadyExists:
            await self._documents.drop(pointer)
            raise
        return pointer.head()

    async def get(self, name: str) -> Collection:
        """The collection, or CollectionNotFound."""
        return (await self._registry.get(name)).collection

    async def list(self) -> Sequence[Collection]:
        """All collections by name."""
        return [pointer.collection for pointer in await self._registry.all()]

    async def delete(self, name: str) -> None:
        """Forget a collection with everything in it."""
        await self._documents.drop(await self._registry.remove(name))

    async def extend_schema(self, collection: Collection) -> Collection:
        """Merge the collection's schema into the stored one; returns the merged collection."""

        def extended(pointer: Pointer) -> Pointer:
            schema = pointer.collection.schema.declare(collection.schema.fields)
            return replace(pointer, collection=replace(pointer.collection, schema=schema))

        return (await self._registry.change(collection.name, extended)).collection

    async def head(self, name: str) -> Head:
        """The pointer record, or CollectionNotFound."""
        return (await self._registry.get(name)).head()

    async def state(self, name: str) -> tuple[Collection, Head]:
        """Both as they stood at one moment, by one read; or CollectionNotFound."""
        pointer = await self._registry.get(name)
        return pointer.collection, pointer.head()

    async def generations(self, name: str) -> Sequence[Generation]:
        """Every generation kept, oldest first."""
        return [kept.generation for kept in (await self._registry.get(name)).generations]

    async def put_generation(self, generation: Generation) -> None:
        """Add a generation that is not live, or change the state of one."""

        def put(pointer: Pointer) -> Pointer:
            kept = pointer.find(generation)
            if generation.state is GenerationState.LIVE or (kept and kept.key == pointer.live):
                raise InvalidInput(BY_ACTIVATION)
            if kept is None:
                return pointer.with_generation(generation)
            if kept.generation.fingerprint != generation.fingerprint:
                raise AlreadyExists(f"The generation {generation.id!r} has another configuration.")
            return pointer.with_state(kept.key, generation.state)

        await self._registry.change(generation.collection, put)

    async def change_generation(
        self, generation: Generation, change: Callable[[Generation], Generation]
    ) -> Generation:
        """Replace the state and the build of a generation by what the change makes of it."""

        def changed(pointer: Pointer) -> Pointer:
            held = pointer.existing(generation)
            after = held.generation.checked_change(change(held.generation))
            return pointer.with_kept(after, held.key)

        pointer = await self._registry.change(generation.collection, changed)
        return pointer.existing(generation).generation

    async def activate(self, generation: Generation, revision: int) -> Head:
        """Point to a generation if the record still has ``revision``, else AlreadyExists."""

        def switched(pointer: Pointer) -> Pointer:
            target = pointer.existing(generation)
            target.generation.check_kept()
            if pointer.revision != revision:
                raise AlreadyExists(
                    f"Another switch of {pointer.name!r} came first: read its head again."
                )
            retired = pointer.with_state(pointer.live, GenerationState.RETIRED)
            return replace(
                retired.with_state(target.key, GenerationState.LIVE),
                live=target.key,
                revision=pointer.revision + 1,
                epoch=pointer.epoch + 1,
            )

        return (await self._registry.change(generation.collection, switched)).head()

    async def forget_generation(self, generation: Generation) -> None:
        """Remove a generation that is not live, with its marks and dead letters."""

        def forgotten(pointer: Pointer) -> Pointer:
            target = pointer.existing(generation)
            if target.key == pointer.live:
                raise InvalidInput("The live generation stays: activate another one first.")
            rest = tuple(kept for kept in pointer.generations if kept.key != target.key)
            return replace(pointer, generations=rest)

        await self._registry.change(generation.collection, forgotten)
