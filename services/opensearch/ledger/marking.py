"""Marks: which versions a generation holds, or will never hold."""

import asyncio
from collections.abc import Mapping, Sequence

from services.errors import BackendUnavailable
from services.opensearch.bulk import Action
from services.opensearch.client import Json
from services.opensearch.ledger.documents_index import DocumentsIndex, Row
from services.opensearch.ledger.registry import pause_s
from services.opensearch.ledger.rows import dump_letters, load_letters
from services.ports.ledger import DeadLetter

_ATTEMPTS = 40
_COMPARED = ("version", "settled", "dead", "letters")

Mark = tuple[int, DeadLetter | None]
"""A version, and its dead letter where it was refused."""


class Marking:
    """One batch of marks of one generation.

    A version that is no longer the newest leaves its document pending.
    """

    def __init__(
        self, documents: DocumentsIndex, alias: str, key: str, kept: frozenset[str]
    ) -> None:
        """Mark for the generation ``key``; keys that are not ``kept`` go on the way."""
        self._documents = documents
        self._alias = alias
        self._key = key
        self._kept = kept

    async def run(self, indexed: Mapping[str, int], refused: Sequence[DeadLetter]) -> None:
        """Store the marks."""
        marks: dict[str, list[Mark]] = {}
        for document_id, version in indexed.items():
            marks.setdefault(document_id, []).append((version, None))
        for letter in refused:
            marks.setdefault(letter.document_id, []).append((letter.version, letter))
        for attempt in range(_ATTEMPTS):
            held = await self._documents.rows(self._alias, list(marks), _COMPARED)
            actions = [
                Action("update", name, row.seen, {"doc": doc})
                for name, row in held.items()
                if (doc := self._changed(row, marks[name])) is not None
            ]
            results = await self._documents.write(self._alias, actions)
            lost = [
                action.row
                for action, result in zip(actions, results, strict=True)
                if not result.done
            ]
            if not lost:
                return
            marks = {name: marks[name] for name in lost}
            await asyncio.sleep(pause_s(attempt))
        raise BackendUnavailable("Too many writers change the same documents at once; try again.")

    def _changed(self, row: Row, marks: Sequence[Mark]) -> Json | None:
        """The fields to store, None where no mark is of the newest version."""
        newest = [letter for version, letter in marks if version == row.source["version"]]
        if not newest:
            return None
        letters = load_letters(row.id, row.source["letters"])
        letters = {key: letter for key, letter in letters.items() if key in self._kept}
        letters.pop(self._key, None)
        if newest[-1] is not None:
            letters[self._key] = newest[-1]
        return {
            "settled": sorted({*row.source["settled"], self._key} & self._kept),
            "dead": sorted(letters),
            "letters": dump_letters(letters),
        }
