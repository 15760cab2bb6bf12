"""Keeps the shelf in step with the ledger while a process serves."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.errors import BackendUnavailable, NotFound
from services.generations import EncoderFingerprint
from services.models.shelf import EncoderShelf
from services.ports.ledger import CollectionLedger

LOOK_S = 5.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def encoders_kept(ledger: CollectionLedger, shelf: EncoderShelf) -> AsyncIterator[None]:
    """:func:`keep_encoders` in the background for as long as the block runs."""
    keeping = asyncio.create_task(keep_encoders(ledger, shelf), name="winnow-encoders")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def keep_encoders(ledger: CollectionLedger, shelf: EncoderShelf) -> None:
    """Until cancelled: have the encoders of all kept generations loaded, and no others.

    A generation that another process builds becomes live with its encoder ready here.
    """
    while True:
        try:
            await shelf.keep(await needed_encoders(ledger))
        except BackendUnavailable as error:
            _log.warning("Which encoders are needed cannot be told: %s", error.detail)
        await asyncio.sleep(LOOK_S)


async def needed_encoders(ledger: CollectionLedger) -> frozenset[EncoderFingerprint]:
    """The encoders of every generation that is kept."""
    needed: set[EncoderFingerprint] = set()
    for collection in await ledger.list():
        try:
            generations = await ledger.generations(collection.name)
        except NotFound:  # deleted meanwhile
            continue
        needed.update(
            each.fingerprint.encoder for each in generations if each.fingerprint.encoder is not None
        )
    return frozenset(needed)
