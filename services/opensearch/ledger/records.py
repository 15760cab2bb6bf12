"""A collection's pointer record, and its form in the index."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from services.collections import Collection
from services.errors import DataFormatUnsupported, NotFound
from services.generations import Generation, GenerationState, Head
from services.ledger_texts import (
    dump_build,
    dump_fingerprint,
    dump_schema,
    load_build,
    load_fingerprint,
    load_schema,
)
from services.opensearch.packing import pack, unpack


@dataclass(frozen=True, slots=True)
class Kept:
    """A generation with the key that stands for it in documents, never used twice."""

    key: str
    generation: Generation


@dataclass(frozen=True, slots=True)
class Pointer:
    """Everything that is known of a collection.

    Attributes:
        uid: tells its documents from those of an earlier collection of the same name.
        generations: oldest first.
        live: the key of the generation that answers searches.
        next_key: the key of the next generation.
    """

    collection: Collection
    uid: str
    generations: tuple[Kept, ...]
    live: str
    epoch: int
    revision: int
    next_key: int

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.collection.name

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the generations kept."""
        return frozenset(kept.key for kept in self.generations)

    def head(self) -> Head:
        """What the port calls the pointer record."""
        (live,) = (kept.generation for kept in self.generations if kept.key == self.live)
        return Head(live, self.epoch, self.revision)

    def find(self, generation: Generation) -> Kept | None:
        """The kept generation of this id."""
        return next(
            (kept for kept in self.generations if kept.generation.id == generation.id), None
        )

    def existing(self, generation: Generation) -> Kept:
        """The kept generation of this id, or NotFound."""
        kept = self.find(generation)
        if kept is None:
            raise NotFound(f"{self.name!r} has no generation {generation.id!r} any more.")
        return kept

    def with_generation(self, generation: Generation) -> "Pointer":
        """The record with one generation more."""
        kept = Kept(str(self.next_key), generation)
        return replace(self, generations=(*self.generations, kept), next_key=self.next_key + 1)

    def with_state(self, key: str, state: GenerationState) -> "Pointer":
        """The record with one generation in another state."""
        (held,) = (kept.generation for kept in self.generations if kept.key == key)
        return self.with_kept(held.moved_to(state), key)

    def with_kept(self, generation: Generation, key: str) -> "Pointer":
        """The record with another value of one generation."""
        return replace(
            self,
            generations=tuple(
                replace(kept, generation=generation) if kept.key == key else kept
                for kept in self.generations
            ),
        )


_FORMAT = 1

# Every search reads its collection's record, which seldom changes.
_RECORDS_KEPT = 256

Change = Callable[[Pointer], Pointer]
"""What becomes of a record; raises where it may not be."""


def raise_epoch(pointer: Pointer) -> Pointer:
    """The record after a change of the collection's answers."""
    return replace(pointer, epoch=pointer.epoch + 1)


def dump(pointer: Pointer) -> str:
    """The record as one text."""
    collection = pointer.collection
    return pack(
        {
            "format": _FORMAT,
            "language": collection.language,
            "created_at": collection.created_at.isoformat(),
            "schema": dump_schema(collection.schema),
            "uid": pointer.uid,
            "generations": [
                (
                    kept.key,
                    kept.generation.id,
                    dump_fingerprint(kept.generation.fingerprint),
                    kept.generation.state,
                    kept.generation.created_at.isoformat(),
                    dump_build(kept.generation.build, kept.generation.retired_at),
                )
                for kept in pointer.generations
            ],
            "live": pointer.live,
            "epoch": pointer.epoch,
            "revision": pointer.revision,
            "next_key": pointer.next_key,
        }
    )


@lru_cache(maxsize=_RECORDS_KEPT)
def load(name: str, text: str) -> Pointer:
    """The record of a text; raises DataFormatUnsupported for a newer Winnow's."""
    raw = unpack(text)
    if raw["format"] > _FORMAT:
        raise DataFormatUnsupported(
            f"The ledger in OpenSearch has format {raw['format']}; this Winnow reads up to "
            f"{_FORMAT}. Use the newer Winnow that wrote it."
        )
    created_at = datetime.fromisoformat(raw["created_at"])
    return Pointer(
        Collection(name, load_schema(raw["schema"]), raw["language"], created_at),
        raw["uid"],
        tuple(_load_kept(name, fields) for fields in raw["generations"]),
        raw["live"],
        raw["epoch"],
        raw["revision"],
        raw["next_key"],
    )


def _load_kept(name: str, fields: Sequence[str]) -> Kept:
    key, identifier, fingerprint, state, created_at, *more = fields
    build, retired_at = load_build(*more or [""])
    generation = Generation(
        name,
        identifier,
        load_fingerprint(fingerprint),
        GenerationState(state),
        datetime.fromisoformat(created_at),
        retired_at,
        build,
    )
    return Kept(key, generation)
