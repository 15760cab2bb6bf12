"""What a shard's points and the catalog come to, document by document."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from qdrant_edge import Record

from services.candidates import Holding
from services.documents import ChunkRef
from services.embedded.vectors.catalog import Settled, State

_FURTHER = 8

Found = defaultdict[str, Counter[int]]
"""How many points there are of each document, by version."""


def possible_refs(states: Mapping[str, State]) -> list[ChunkRef]:
    """What points these documents may have: a few more than the catalog has reserved.

    A filter on the document would be a pass over every payload, with the global lock held.
    """
    return [
        ChunkRef(identifier, ordinal)
        for identifier, state in states.items()
        for ordinal in range(state.reserved + _FURTHER)
    ]


def count_points(points: Iterable[Record], found: Found) -> None:
    """Add points by the payload that names them."""
    for point in points:
        payload = point.payload or {}
        found[payload["document"]][payload["version"]] += 1


def compared(records: Iterable[Settled], found: Found) -> dict[str, Holding]:
    """Holdings by document id, of every document that has a record or a point."""
    held = {
        record.document_id: Holding(
            record.document_id,
            record.version,
            record.chunks,
            record.deleted,
            found.get(record.document_id, {}),
        )
        for record in records
    }
    for identifier in found.keys() - held.keys():
        held[identifier] = Holding(identifier, 0, 0, True, found[identifier])
    return held
