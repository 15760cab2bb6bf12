"""Taking a generation away for good: its indexes first, then what the ledger knows of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.assembly import Services
from services.errors import NotFound
from services.generations import Generation, GenerationState


def removable_at(generation: Generation, grace_s: float) -> datetime | None:
    """When a retired generation's grace period ends; None for any other."""
    if generation.retired_at is None:
        return None
    return generation.retired_at + timedelta(seconds=grace_s)


def in_grace(generation: Generation, grace_s: float) -> bool:
    """Whether a retired generation is still written to."""
    ends_at = removable_at(generation, grace_s)
    return ends_at is not None and datetime.now(UTC) < ends_at


async def discard(services: Services, generation: Generation) -> None:
    """Let nothing write to it any more; from here on it can only be removed.

    Raises:
        InvalidInput: it became live meanwhile.
        NotFound: another process removed it.
    """
    await services.ledger.collections.change_generation(
        generation, lambda held: held.moved_to(GenerationState.DISCARDED)
    )


async def remove(services: Services, generation: Generation) -> None:
    """Remove the indexes of a discarded generation, and forget it.

    The ledger forgets it last: what a crash or an engine out of reach leaves is found again.

    Raises:
        BackendUnavailable: an engine still has it.
    """
    await drop_indexes(services, generation)
    try:
        await services.ledger.collections.forget_generation(generation)
    except NotFound:
        return  # another process was as quick


async def drop_indexes(services: Services, generation: Generation) -> None:
    """Remove both indexes; each is tried, whatever becomes of the other."""
    drops = (store.drop(generation) for store in (services.lexical, services.vectors))
    for result in await asyncio.gather(*drops, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def find_orphans(services: Services) -> list[tuple[str, str]]:
    """(``lexical`` or ``vectors``, name) of each index that no generation owns.

    The ledger is read before and after the engines were asked, and only what both times had no
    owner counts: an index is made after its generation, so a new one has its owner by then.
    """
    before, after = await _listed(services), await _listed(services)
    return [each for each in before if each in after]


async def _listed(services: Services) -> list[tuple[str, str]]:
    ledger = services.ledger.collections
    known: list[Generation] = []
    for collection in await ledger.list():
        try:
            known += await ledger.generations(collection.name)
        except NotFound:
            continue
    lexical = [("lexical", name) for name in await services.lexical.orphans(known)]
    return lexical + [("vectors", name) for name in await services.vectors.orphans(known)]


async def remove_orphans(services: Services, orphans: Sequence[tuple[str, str]]) -> None:
    """Remove these indexes; raises BackendUnavailable where an engine does not let go."""
    for part, name in orphans:
        store = services.lexical if part == "lexical" else services.vectors
        await store.remove(name)
