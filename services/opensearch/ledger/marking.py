"""Marks in rows: which generations hold a version, or will never hold it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.opensearch.bulk import Action
from services.opensearch.ledger.comparing import Step
from services.opensearch.ledger.documents_index import Row
from services.opensearch.ledger.rows import dump_letters, load_letters
from services.ports.ledger import DeadLetter

MARK_FIELDS = ("version", "settled", "dead", "letters")

Mark = tuple[int, DeadLetter | None]
"""A version, and its dead letter where it was refused."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What one row says of generations, by their keys; changed in place.

    Attributes:
        settled: those that hold the newest version, or never will.
        dead: those whose dead letter is on the list.
        letters: dead letters, dropped ones too: who has one does not hold the version.
    """

    settled: set[str]
    dead: set[str]
    letters: dict[str, DeadLetter]

    @classmethod
    def of(cls, row: Row) -> "Marks":
        """The marks of a row that was read with MARK_FIELDS."""
        letters = load_letters(row.id, row.source["letters"])
        return cls(set(row.source["settled"]), set(row.source["dead"]), letters)

    def clear(self, key: str) -> None:
        """Forget what is known of one generation."""
        self.settled.discard(key)
        self.dead.discard(key)
        self.letters.pop(key, None)

    def stored(self, row: Row, kept: frozenset[str]) -> Action:
        """The write of these marks; keys of generations that are not ``kept`` go on the way."""
        letters = {key: letter for key, letter in self.letters.items() if key in kept}
        fields = {
            "settled": sorted(self.settled & kept),
            "dead": sorted(self.dead & kept),
            "letters": dump_letters(letters),
        }
        return Action("update", row.id, row.seen, {"doc": fields})


def by_document(
    indexed: Mapping[str, int], refused: Sequence[DeadLetter]
) -> Mapping[str, Sequence[Mark]]:
    """All marks of each document, the refusals last."""
    marks: dict[str, list[Mark]] = {}
    for document_id, version in indexed.items():
        marks.setdefault(document_id, []).append((version, None))
    for letter in refused:
        marks.setdefault(letter.document_id, []).append((letter.version, letter))
    return marks


def settling(marks: Mapping[str, Sequence[Mark]], key: str, kept: frozenset[str]) -> Step:
    """Marks one generation; a version that is no longer the newest stays pending."""

    def step(name: str, row: Row | None) -> Action | None:
        if row is None:
            return None
        newest = [letter for version, letter in marks[name] if version == row.source["version"]]
        if not newest:
            return None
        changed = Marks.of(row)
        changed.clear(key)
        changed.settled.add(key)
        if newest[-1] is not None:
            changed.dead.add(key)
            changed.letters[key] = newest[-1]
        return changed.stored(row, kept)

    return step


def unsettling(key: str, kept: frozenset[str]) -> Step:
    """Makes documents pending in one generation."""
    return _amending("settled", lambda marks: marks.clear(key), key, kept)


def dropping(key: str, kept: frozenset[str]) -> Step:
    """Takes dead letters of one generation off the list."""
    return _amending("dead", lambda marks: marks.dead.discard(key), key, kept)


def _amending(listed: str, amend: Callable[[Marks], None], key: str, kept: frozenset[str]) -> Step:
    """Amends the marks of rows that name the generation in a list."""

    def step(_: str, row: Row | None) -> Action | None:
        if row is None or key not in row.source[listed]:
            return None
        changed = Marks.of(row)
        amend(changed)
        return changed.stored(row, kept)

    return step
