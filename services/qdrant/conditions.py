"""Qdrant's filters: the shared compiler in the client's classes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from qdrant_client import models

from services.collections import FieldType
from services.filters import Condition, Filter
from services.points.conditions import ScopeCompiler, uses_dictionary
from services.qdrant.layout import COLUMN_TYPES, column_name

Passing = Mapping[Condition, Sequence[str | int]]


class QdrantCompiler(ScopeCompiler[models.Filter]):
    """Every condition is a filter of its own, so that they nest."""

    def __init__(self, passing: Passing) -> None:
        """``passing``: for each of :func:`dictionary_conditions` the words that pass it."""
        self._passing = passing

    def all_of(self, parts: list[models.Filter]) -> models.Filter:
        """``must``."""
        return models.Filter(must=[*parts])

    def any_of(self, parts: list[models.Filter]) -> models.Filter:
        """``should``."""
        return models.Filter(should=[*parts])

    def none_of(self, parts: list[models.Filter]) -> models.Filter:
        """``must_not``."""
        return models.Filter(must_not=[*parts])

    def holds(self, field: str, keywords: list[str]) -> models.Filter:
        """``match any``."""
        held = models.FieldCondition(key=field, match=models.MatchAny(any=keywords))
        return models.Filter(must=[held])

    def numbers(self, field: str, bounds: dict[str, float]) -> models.Filter:
        """A range of floats."""
        within = models.FieldCondition(key=field, range=models.Range(**bounds))
        return models.Filter(must=[within])

    def dates(self, field: str, bounds: dict[str, str]) -> models.Filter:
        """A range of dates."""
        moments = {name: datetime.fromisoformat(bound) for name, bound in bounds.items()}
        within = models.FieldCondition(key=field, range=models.DatetimeRange(**moments))
        return models.Filter(must=[within])

    def column(self, key: str, kind: FieldType) -> str | None:
        """Told by key and type; a field that no document has matches none."""
        return column_name(key, kind) if kind in COLUMN_TYPES else None

    def words(self, condition: Condition) -> Sequence[str | int]:
        """Fetched before."""
        return self._passing[condition]


def dictionary_conditions(tree: Filter | None) -> Iterator[Condition]:
    """The conditions of a filter in which the dictionary has a say."""
    if isinstance(tree, Condition):
        if uses_dictionary(tree):
            yield tree
    elif tree is not None:
        for child in tree.filters:
            yield from dictionary_conditions(child)


def compile_window(identifiers: Iterable[str]) -> models.Filter:
    """These points and no others."""
    return models.Filter(must=[models.HasIdCondition(has_id=list(identifiers))])
