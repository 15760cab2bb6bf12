"""The audit log: who did what to which generation, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One administrative action.

    Attributes:
        at: when it ended.
        who: the key's name, or the user of the command line.
        action: ``activate``, ``restore`` and their like.
        generation: its id, "" where the action is none of one generation's.
        outcome: ``done``, ``refused`` or ``failed``.
        detail: figures, or why it was refused.
    """

    at: datetime
    who: str
    action: str
    collection: str
    generation: str
    outcome: str
    detail: str = ""


class AuditLog(Protocol):
    """An append-only log: nothing in Winnow changes or removes an entry."""

    async def append(self, entry: AuditEntry) -> None:
        """Add an entry; durable when it returns."""

    async def read(self, collection: str = "", limit: int = 100) -> Sequence[AuditEntry]:
        """The newest entries, newest first; of one collection where one is named."""
