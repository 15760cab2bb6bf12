"""Checking writes against a collection's schema, and extending it by what they bring."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from indexer.draft import Draft
from indexer.outcomes import Outcome, Removal
from indexer.preparation import prepare
from services.errors import SchemaConflict, WinnowError
from services.metrics import DOCUMENTS_REFUSED
from services.ports.ledger import Accepted, CollectionLedger, Write

_ATTEMPTS = 4


async def prepared(
    collections: CollectionLedger,
    collection: str,
    operations: Sequence[Draft | Removal],
    max_document_bytes: int,
) -> Sequence[Write | WinnowError]:
    """A write for each operation, or the error that refuses it; the schema is stored.

    Two writers may bring the same new key with different types at once: the one that comes
    second checks its documents again, against the schema that the first left.
    """
    for _ in range(_ATTEMPTS):
        known = await collections.get(collection)
        ready = await asyncio.to_thread(prepare, operations, known, max_document_bytes)
        if ready.schema == known.schema:
            return ready.writes
        try:
            await collections.extend_schema(replace(known, schema=ready.schema))
        except SchemaConflict as error:
            conflict = error
        else:
            return ready.writes
    raise conflict


def outcome(operation: Draft | Removal, result: Accepted | WinnowError) -> Outcome:
    """What became of an operation, a refusal counted."""
    removal = isinstance(operation, Removal)
    if isinstance(result, WinnowError):
        DOCUMENTS_REFUSED.labels(result.slug).inc()
        return Outcome(operation.id, 0, False, result.detail, result.slug, removal, result)
    return Outcome(operation.id, result.version, result.changed, removal=removal)
