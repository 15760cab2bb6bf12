"""What a write is about to change, kept until it has: so that a crash can be repaired."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.embedded.lexical.files import replace_file, sync_directory


@dataclass(frozen=True, slots=True)
class Change:
    """A document version about to be indexed, or with ``live`` False to be deleted."""

    document_id: str
    version: int
    live: bool


class Journal:
    """The changes of one unfinished write, in a file that exists only meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, changes: Sequence[Change]) -> None:
        """Note the changes; they are on disk when this returns."""
        fields = [(change.document_id, change.version, change.live) for change in changes]
        replace_file(self._path, json.dumps(fields).encode())

    def unfinished(self) -> Sequence[Change]:
        """The changes of a write that never came to its end."""
        if not self._path.exists():
            return ()
        return [Change(*fields) for fields in json.loads(self._path.read_text("utf-8"))]

    def end(self) -> None:
        """The write is done, or repaired."""
        self._path.unlink(missing_ok=True)
        sync_directory(self._path.parent)
