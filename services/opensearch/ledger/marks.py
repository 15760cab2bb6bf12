"""What each generation holds of the documents: pending, indexed, refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from services.generations import Generation
from services.opensearch.client import Json
from services.opensearch.ledger.comparing import Step, change_rows
from services.opensearch.ledger.documents_index import DocumentsIndex, Row
from services.opensearch.ledger.leases import OpenSearchLeases
from services.opensearch.ledger.marking import (
    MARK_FIELDS,
    by_document,
    dropping,
    settling,
    unsettling,
)
from services.opensearch.ledger.records import Pointer, raise_epoch
from services.opensearch.ledger.registry import Registry
from services.opensearch.ledger.rows import RECORD_FIELDS, load_letters, record
from services.opensearch.searching import hits, value
from services.ports.leases import Lease
from services.ports.ledger import (
    MOST_BYTES,
    DeadLetter,
    MarkState,
    PendingVersion,
    Record,
    Standing,
)

_EVERY = 2**31
_MOST = 10_000
_LOOKS = 3

Making = Callable[[str, frozenset[str]], Step]
"""A step for the generation with a key, where generations with certain keys are kept."""


class OpenSearchMarks:
    """The half of the document ledger that follows each generation."""

    def __init__(self, registry: Registry, index: DocumentsIndex, leases: OpenSearchLeases) -> None:
        self._registry = registry
        self._index = index
        self._leases = leases

    async def pending(
        self, generation: Generation, limit: int, max_bytes: int = MOST_BYTES
    ) -> Sequence[Record]:
        """Records whose newest version is neither indexed nor dead, oldest change first."""
        key = await self._key(generation)

        async def work(alias: str) -> Sequence[Record]:
            for _ in range(_LOOKS):
                names = await self._index.fitting(
                    alias, _pending(key), ("change", "id"), limit, max_bytes
                )
                held = await self._index.rows(alias, names, RECORD_FIELDS)
                # A search can lag behind the marks of another process; rows by id cannot.
                found = [
                    record(name, held[name].source)
                    for name in names
                    if name in held and key not in held[name].source["settled"]
                ]
                if found or not names:
                    break
                await self._index.refresh(alias, always=True)
            return found

        return await self._index.on(generation.collection, work)

    async def pending_versions(
        self, generation: Generation, limit: int
    ) -> Sequence[PendingVersion]:
        """The same records unread, from columns: another process's marks show in a second."""
        body = {
            "size": min(limit, _MOST),
            "query": _pending(await self._key(generation)),
            "sort": [{"change": "asc"}, {"id": "asc"}],
            "_source": False,
            "docvalue_fields": ["id", "version", "size"],
        }
        found = await self._index.on(
            generation.collection, lambda alias: self._index.search(alias, body)
        )
        return [
            PendingVersion(
                str(value(hit, "id")), int(str(value(hit, "version"))), int(str(value(hit, "size")))
            )
            for hit in hits(found)
        ]

    async def backlog(self, generation: Generation) -> int:
        """How many records are pending."""
        body = {"size": 0, "query": _pending(await self._key(generation)), "track_total_hits": True}
        answer = await self._index.on(
            generation.collection, lambda alias: self._index.search(alias, body)
        )
        return int(answer["hits"]["total"]["value"])

    async def waiting(self, generation: Generation, ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids are pending."""
        key = await self._key(generation)
        held = await self._rows(generation, ids, ("settled",))
        return frozenset(name for name, row in held.items() if key not in row.source["settled"])

    async def mark(
        self,
        generation: Generation,
        indexed: Mapping[str, int],
        refused: Sequence[DeadLetter] = (),
        fence: Lease | None = None,
    ) -> int:
        """Record versions as indexed or dead; returns the epoch after it.

        A version that is no longer the newest changes the index, so the epoch grows, but
        its document stays pending. The fence is looked at after the rows were read, and they
        are written as long as nobody changed them: so whoever is stopped in between, and loses
        the lease, undoes nothing that was marked or unmarked since.
        """
        if not indexed and not refused:
            pointer = await self._checked(generation, fence)
            return pointer.epoch
        marks = by_document(indexed, refused)
        await self._change(generation, marks, partial(settling, marks), fence)
        return (await self._registry.change(generation.collection, raise_epoch)).epoch

    async def marks(self, generation: Generation, ids: Sequence[str]) -> Mapping[str, int]:
        """The newest versions of these ids, of as many as are marked as indexed."""
        key = await self._key(generation)
        held = await self._rows(generation, ids, MARK_FIELDS)
        return {
            name: row.source["version"]
            for name, row in held.items()
            if _state(key, row.source) is MarkState.INDEXED
        }

    async def standings(self, generation: Generation, after: str, limit: int) -> Sequence[Standing]:
        """Every record's standing by id, from the first id greater than ``after``."""
        key = await self._key(generation)
        body: Json = {
            "size": min(limit, _MOST),
            "query": {"range": {"id": {"gt": after}}},
            "sort": [{"id": "asc"}],
            # Nothing of the source: it would be parsed whole, texts included.
            "_source": False,
            "stored_fields": ["letters"],
            "docvalue_fields": ["id", "version", "deleted", "settled"],
        }
        answer = await self._index.on(
            generation.collection, lambda alias: self._index.search(alias, body)
        )
        return [_standing(key, hit["fields"]) for hit in hits(answer)]

    async def unmark(self, generation: Generation, ids: Sequence[str]) -> int:
        """Forget marks and dead letters of these ids; returns how many became pending."""
        return await self._change(generation, ids, unsettling)

    async def dead_letters(self, generation: Generation) -> Sequence[DeadLetter]:
        """What could not be indexed of the newest versions, by document id."""
        key = await self._key(generation)
        query = {"term": {"dead": key}}
        found = await self._index.on(
            generation.collection,
            lambda alias: self._index.listed(alias, query, ("letters",), _EVERY),
        )
        return [load_letters(row["id"], row["letters"])[key] for row in found]

    async def drop_dead_letters(self, generation: Generation, ids: Sequence[str]) -> int:
        """Take dead letters off the list, not to be tried again; returns how many."""
        return await self._change(generation, ids, dropping)

    async def _key(self, generation: Generation) -> str:
        """The key of a generation; CollectionNotFound or NotFound where it is gone."""
        pointer = await self._registry.get(generation.collection)
        return pointer.existing(generation).key

    async def _rows(
        self, generation: Generation, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Row]:
        """Rows by id, for as many as are there, as they were last acknowledged."""
        return await self._index.on(
            generation.collection, lambda alias: self._index.rows(alias, ids, fields)
        )

    async def _change(
        self,
        generation: Generation,
        ids: Iterable[str],
        making: Making,
        fence: Lease | None = None,
    ) -> int:
        names = list(ids)

        async def decide() -> Step:
            pointer = await self._checked(generation, fence)
            return making(pointer.existing(generation).key, pointer.keys)

        return await self._index.on(
            generation.collection,
            lambda alias: change_rows(self._index, alias, names, MARK_FIELDS, decide),
        )

    async def _checked(self, generation: Generation, fence: Lease | None) -> Pointer:
        """The pointer record, which knows the generation; LeaseLost where the fence is not held."""
        pointer = await self._registry.get(generation.collection)
        pointer.existing(generation)
        if fence is not None:
            await self._leases.check(fence)
        return pointer


def _pending(key: str) -> Json:
    return {"bool": {"must_not": [{"term": {"settled": key}}]}}


def _standing(key: str, columns: Json) -> Standing:
    """From columns, which are lists, and absent where there is nothing in them."""
    (name,), (version,), (deleted,), (letters,) = (
        columns[column] for column in ("id", "version", "deleted", "letters")
    )
    marks = {"settled": columns.get("settled", ()), "letters": letters}
    return Standing(name, version, deleted, _state(key, marks))


def _state(key: str, row: Json) -> MarkState:
    if key not in row["settled"]:
        return MarkState.PENDING
    refused = key in load_letters("", row["letters"])
    return MarkState.REFUSED if refused else MarkState.INDEXED
