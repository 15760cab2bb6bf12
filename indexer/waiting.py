"""Waiting until writes can be found."""

import asyncio
from collections.abc import Mapping

from indexer.draining import Drainer
from services.deadlines import Deadline
from services.errors import DeadlineExceeded, ModelUnavailable
from services.ports.ledger import Ledger

POLL_S = 1.0
"""Another process may do the indexing: the ledger is asked again after so long."""


async def settled(
    ledger: Ledger,
    drainer: Drainer,
    collection: str,
    versions: Mapping[str, int],
    timeout_s: float,
) -> Mapping[str, str]:
    """Wait until the live generation holds these versions, or newer ones, or never will.

    Returns:
        the reason for each id that became a dead letter.

    Raises:
        DeadlineExceeded: some still wait; they stay in the ledger and will be indexed.
        ModelUnavailable: nothing will be indexed until an operator acts.
        CollectionNotFound: the collection was deleted meanwhile.
    """
    deadline = Deadline.after(timeout_s)
    remaining = frozenset(versions)
    while True:
        progress = drainer.progress(collection)
        head = await ledger.collections.head(collection)
        remaining = await ledger.documents.waiting(head.live, sorted(remaining))
        if not remaining:
            break
        failure = drainer.failure(collection)
        if failure is not None and isinstance(failure.error, ModelUnavailable):
            raise failure.error
        if not deadline.remaining_s():
            reason = f" Last failure: {failure.error.detail}" if failure else ""
            raise DeadlineExceeded(
                f"{len(remaining)} of {len(versions)} documents are stored and not searchable "
                f"after {timeout_s:g} s. They will be indexed: wait longer, or look again "
                f"later.{reason}"
            )
        await _either(progress, min(POLL_S, deadline.remaining_s()))
    letters = await ledger.documents.dead_letters(head.live)
    return {
        letter.document_id: letter.reason
        for letter in letters
        if letter.version >= versions.get(letter.document_id, letter.version + 1)
    }


async def _either(progress: asyncio.Event, pause_s: float) -> None:
    try:
        async with asyncio.timeout(pause_s):
            await progress.wait()
    except TimeoutError:
        return
