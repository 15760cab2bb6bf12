"""Every administrative action leaves an entry in the ledger's audit log, however it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from services.errors import AlreadyExists, InvalidInput, NotFound, WinnowError
from services.ports.audit import AuditEntry, AuditLog

WINNOW = "winnow"
"""Who acts where nobody asked at that moment."""

_REFUSALS = (InvalidInput, NotFound, AlreadyExists)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Action:
    """An action under way: what it turns out to be about is filled in on the way."""

    who: str
    name: str
    collection: str
    generation: str = ""
    detail: str = ""

    def entry(self, outcome: str, detail: str = "") -> AuditEntry:
        """How it ended."""
        return AuditEntry(
            datetime.now(UTC),
            self.who,
            self.name,
            self.collection,
            self.generation,
            outcome,
            detail or self.detail,
        )


@asynccontextmanager
async def audited(
    log: AuditLog, who: str, name: str, collection: str, generation: str = ""
) -> AsyncIterator[Action]:
    """Log the block as ``done``, ``refused`` or ``failed``; its error goes on.

    Raises:
        BackendUnavailable: it was done and could not be logged.
    """
    action = Action(who, name, collection, generation)
    try:
        yield action
    except WinnowError as error:
        outcome = "refused" if isinstance(error, _REFUSALS) else "failed"
        await _try(log, action.entry(outcome, error.detail))
        raise
    except (Exception, asyncio.CancelledError) as error:
        await _try(log, action.entry("failed", f"{type(error).__name__}: {error}"))
        raise
    await log.append(action.entry("done"))


async def _try(log: AuditLog, entry: AuditEntry) -> None:
    """Append without hiding the error that is on its way."""
    try:
        await log.append(entry)
    except WinnowError as error:
        _log.warning("The audit log did not take %s: %s", entry.action, error.detail)
