"""Which metadata key lives in which typed column.

Tantivy's schema is fixed when an index is created, a collection's grows with its
documents. So every index has a number of columns of each type from the start, and a
key takes the next free one of its type when its first value is written. The assignment
is kept in a file beside the index and never changes.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from services.collections import MAX_KEYS_PER_TYPE, FieldType
from services.embedded.lexical.files import replace_file
from services.errors import InvalidDocument


def column_name(kind: FieldType, place: int) -> str:
    """The name of a type's column in Tantivy's schema."""
    return f"{kind}_{place}"


class Columns:
    """The assignment of keys to columns, kept in a file.

    Not safe for concurrent writers; a reader may look while a writer assigns.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[tuple[FieldType, str], int] = {}
        self._saved = 0
        if path.exists():
            for kind, keys in json.loads(path.read_text("utf-8")).items():
                for place, key in enumerate(keys):
                    self._places[FieldType(kind), key] = place
            self._saved = len(self._places)

    def column(self, key: str, kind: FieldType) -> str | None:
        """The key's column, None where no document had a value of that type for it."""
        place = self._places.get((kind, key))
        return None if place is None else column_name(kind, place)

    def kind(self, key: str) -> FieldType | None:
        """The type under which the key was first written, None for an unknown key."""
        return next((kind for kind, known in list(self._places) if known == key), None)

    def assign(self, kinds: Mapping[str, FieldType]) -> None:
        """Give each key that has none a column, all or none; :meth:`save` makes it last.

        Raises:
            InvalidDocument: no column of a type is left.
        """
        fresh = [(kind, key) for key, kind in kinds.items() if (kind, key) not in self._places]
        for kind in FieldType:
            wanted = sum(known is kind for known, _ in fresh)
            if wanted and self._used(kind) + wanted > MAX_KEYS_PER_TYPE:
                raise InvalidDocument(
                    f"The text index holds at most {MAX_KEYS_PER_TYPE} {kind} keys and has no "
                    "room for another. Leave out metadata that nobody filters by."
                )
        for kind, key in fresh:
            self._places[kind, key] = self._used(kind)

    def save(self) -> None:
        """Write the assignment to disk where it has grown."""
        if self._saved == len(self._places):
            return
        keys: dict[str, list[str]] = {}
        for kind, key in self._places:
            keys.setdefault(kind, []).append(key)
        replace_file(self._path, json.dumps(keys).encode())
        self._saved = len(self._places)

    def _used(self, kind: FieldType) -> int:
        return sum(known is kind for known, _ in self._places)
