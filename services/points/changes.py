"""What one call to write asks of each document."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.generations import EncoderFingerprint
from services.points.validation import find_fault
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorEntry


@dataclass(frozen=True, slots=True)
class Change:
    """A document's next state; ``entry`` is None where it goes."""

    document_id: str
    version: int
    entry: VectorEntry | None

    @property
    def chunks(self) -> int:
        """How many it will have."""
        return 0 if self.entry is None else len(self.entry.chunks)


def newest_changes(
    entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone], encoder: EncoderFingerprint
) -> tuple[list[Change], dict[str, str]]:
    """The newest change of each document, and the reasons for entries that are faulty."""
    refused: dict[str, str] = {}
    newest: dict[str, Change] = {}
    for entry in entries:
        fault = find_fault(entry, encoder)
        if fault:
            refused[entry.document.id] = fault
        else:
            _keep_newest(newest, Change(entry.document.id, entry.version, entry))
    for tombstone in tombstones:
        _keep_newest(newest, Change(tombstone.document_id, tombstone.version, None))
    return list(newest.values()), refused


def _keep_newest(newest: dict[str, Change], change: Change) -> None:
    known = newest.get(change.document_id)
    if known is None or change.version > known.version:
        newest[change.document_id] = change
