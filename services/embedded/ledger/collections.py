"""Collections, their generations and the pointer to the live one."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.collections import Collection
from services.embedded.ledger import rows
from services.embedded.ledger.database import Database, collection_key, collection_row
from services.embedded.ledger.rows import COLLECTION_COLUMNS, GENERATION_COLUMNS
from services.errors import AlreadyExists, InvalidInput, NotFound
from services.generations import BY_ACTIVATION, Generation, GenerationState, Head
from services.ledger_texts import dump_build, dump_fingerprint, dump_schema

_GENERATIONS = f"SELECT {GENERATION_COLUMNS} FROM generations g"  # noqa: S608  # constants


class SqliteCollections:
    """Implements :class:`services.ports.ledger.CollectionLedger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, collection: Collection, generation: Generation) -> Head:
        """Add a collection with its first generation, live at once."""
        live = replace(generation, state=GenerationState.LIVE)

        def work(connection: sqlite3.Connection) -> Head:
            try:
                key = _insert_collection(connection, collection)
            except sqlite3.IntegrityError:
                raise AlreadyExists(
                    f"There is a collection {collection.name!r} already. Use it, or another name."
                ) from None
            generation_key = _insert_generation(connection, key, live)
            connection.execute(
                "UPDATE collections SET live = ? WHERE key = ?", (generation_key, key)
            )
            return _head(connection, collection.name)

        return await self._database.write(work)

    async def get(self, name: str) -> Collection:
        """The collection, or CollectionNotFound."""
        return await self._database.read(lambda connection: _collection(connection, name))

    async def list(self) -> Sequence[Collection]:
        """All collections by name."""
        statement = f"SELECT {COLLECTION_COLUMNS} FROM collections c ORDER BY name"  # noqa: S608
        return await self._database.read(
            lambda connection: [rows.collection(row) for row in connection.execute(statement)]
        )

    async def delete(self, name: str) -> None:
        """Forget a collection with everything in it."""

        def work(connection: sqlite3.Connection) -> None:
            key = collection_key(connection, name)
            connection.execute("DELETE FROM collections WHERE key = ?", (key,))

        await self._database.write(work)

    async def extend_schema(self, collection: Collection) -> Collection:
        """Merge the collection's schema into the stored one; returns the merged collection."""

        def work(connection: sqlite3.Connection) -> Collection:
            stored = _collection(connection, collection.name)
            merged = replace(stored, schema=stored.schema.declare(collection.schema.fields))
            if merged.schema != stored.schema:
                connection.execute(
                    "UPDATE collections SET fields = ? WHERE name = ?",
                    (dump_schema(merged.schema), collection.name),
                )
            return merged

        return await self._database.write(work)

    async def head(self, name: str) -> Head:
        """The pointer record, or CollectionNotFound."""
        return await self._database.read(lambda connection: _head(connection, name))

    async def state(self, name: str) -> tuple[Collection, Head]:
        """Both as they stood at one moment, by one read; or CollectionNotFound."""
        return await self._database.read(
            lambda connection: (_collection(connection, name), _head(connection, name))
        )

    async def generations(self, name: str) -> Sequence[Generation]:
        """Every generation kept, oldest first."""

        def work(connection: sqlite3.Connection) -> Sequence[Generation]:
            key = collection_key(connection, name)
            found = connection.execute(
                f"{_GENERATIONS} WHERE g.collection = ? ORDER BY g.key", (key,)
            )
            return [rows.generation(name, row) for row in found]

        return await self._database.read(work)

    async def put_generation(self, generation: Generation) -> None:
        """Add a generation that is not live, or change the state of one.

        A new one finds every document of the collection pending, oldest change first.
        """

        def work(connection: sqlite3.Connection) -> None:
            key, live = collection_row(connection, generation.collection, "c.key, c.live")
            found = _find_generation(connection, key, generation.id)
            if generation.state is GenerationState.LIVE or found == live:
                raise InvalidInput(BY_ACTIVATION)
            if found is None:
                _queue_all(connection, key, _insert_generation(connection, key, generation))
                return
            held = _generation(connection, generation.collection, found)
            if held.fingerprint != generation.fingerprint:
                raise AlreadyExists(f"The generation {generation.id!r} has another configuration.")
            _store_generation(connection, found, held.moved_to(generation.state))

        await self._database.write(work)

    async def change_generation(
        self, generation: Generation, change: Callable[[Generation], Generation]
    ) -> Generation:
        """Replace the state and the build of a generation by what the change makes of it."""

        def work(connection: sqlite3.Connection) -> Generation:
            key = generation_key(connection, generation)
            held = _generation(connection, generation.collection, key)
            changed = held.checked_change(change(held))
            _store_generation(connection, key, changed)
            return changed

        return await self._database.write(work)

    async def activate(self, generation: Generation, revision: int) -> Head:
        """Point to a generation if the record still has ``revision``, else AlreadyExists."""

        def work(connection: sqlite3.Connection) -> Head:
            columns = "c.key, c.live, c.revision"
            key, live, current = collection_row(connection, generation.collection, columns)
            target = _existing_generation(connection, key, generation)
            _generation(connection, generation.collection, target).check_kept()
            if current != revision:
                raise AlreadyExists(
                    f"Another switch of {generation.collection!r} came first: read its head again."
                )
            for each, state in ((live, GenerationState.RETIRED), (target, GenerationState.LIVE)):
                held = _generation(connection, generation.collection, each)
                _store_generation(connection, each, held.moved_to(state))
            connection.execute(
                "UPDATE collections SET live = ?, revision = revision + 1, epoch = epoch + 1 "
                "WHERE key = ?",
                (target, key),
            )
            return _head(connection, generation.collection)

        return await self._database.write(work)

    async def forget_generation(self, generation: Generation) -> None:
        """Remove a generation that is not live, with its marks and dead letters."""

        def work(connection: sqlite3.Connection) -> None:
            key, live = collection_row(connection, generation.collection, "c.key, c.live")
            target = _existing_generation(connection, key, generation)
            if target == live:
                raise InvalidInput("The live generation stays: activate another one first.")
            connection.execute("DELETE FROM generations WHERE key = ?", (target,))

        await self._database.write(work)


def generation_key(connection: sqlite3.Connection, generation: Generation) -> int:
    """The key of a generation; CollectionNotFound or NotFound where it is gone."""
    collection = collection_key(connection, generation.collection)
    return _existing_generation(connection, collection, generation)


def _existing_generation(
    connection: sqlite3.Connection, collection: int, generation: Generation
) -> int:
    found = _find_generation(connection, collection, generation.id)
    if found is None:
        raise NotFound(f"{generation.collection!r} has no generation {generation.id!r} any more.")
    return found


def _find_generation(
    connection: sqlite3.Connection, collection: int, identifier: str
) -> int | None:
    found: rows.Row | None = connection.execute(
        "SELECT key FROM generations WHERE collection = ? AND id = ?",
        (collection, identifier),
    ).fetchone()
    return None if found is None else int(found[0])


def _generation(connection: sqlite3.Connection, collection: str, key: int) -> Generation:
    row = connection.execute(f"{_GENERATIONS} WHERE g.key = ?", (key,)).fetchone()
    return rows.generation(collection, row)


def _collection(connection: sqlite3.Connection, name: str) -> Collection:
    return rows.collection(collection_row(connection, name, COLLECTION_COLUMNS))


def _head(connection: sqlite3.Connection, name: str) -> Head:
    live, epoch, revision = collection_row(connection, name, "c.live, c.epoch, c.revision")
    return Head(_generation(connection, name, live), epoch, revision)


def _insert_collection(connection: sqlite3.Connection, collection: Collection) -> int:
    cursor = connection.execute(
        "INSERT INTO collections (name, language, created_at, fields) VALUES (?, ?, ?, ?)",
        (
            collection.name,
            collection.language,
            collection.created_at.isoformat(),
            dump_schema(collection.schema),
        ),
    )
    return _last_key(cursor)


def _insert_generation(
    connection: sqlite3.Connection, collection: int, generation: Generation
) -> int:
    cursor = connection.execute(
        "INSERT INTO generations (collection, id, fingerprint, state, created_at, build) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            collection,
            generation.id,
            dump_fingerprint(generation.fingerprint),
            generation.state,
            generation.created_at.isoformat(),
            dump_build(generation.build, generation.retired_at),
        ),
    )
    return _last_key(cursor)


def _queue_all(connection: sqlite3.Connection, collection: int, generation: int) -> None:
    connection.execute(
        "INSERT INTO pending (generation, document) "
        "SELECT ?, key FROM documents WHERE collection = ? ORDER BY updated_at, key",
        (generation, collection),
    )


def _store_generation(connection: sqlite3.Connection, key: int, generation: Generation) -> None:
    """What changes of a generation after it was added."""
    connection.execute(
        "UPDATE generations SET state = ?, build = ? WHERE key = ?",
        (generation.state, dump_build(generation.build, generation.retired_at), key),
    )


def _last_key(cursor: sqlite3.Cursor) -> int:
    return int(cursor.lastrowid or 0)
