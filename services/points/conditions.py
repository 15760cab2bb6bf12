"""Compiles a scope for an engine; :func:`services.filters.matches` is the reference."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from services.collections import FieldType
from services.documents import Scalar
from services.filters import Condition, Filter, Group, Junction, Operator
from services.points.payload import EVERYBODY, EXACT, READERS, TERMS, date_text, is_large, reader
from services.points.payload import term as term_of
from services.queries import Scope
from services.rights import Rights

_EQUALITY = (Operator.EQ, Operator.NE, Operator.IN, Operator.NIN)
_NEGATED = (Operator.NE, Operator.NIN)

Part = TypeVar("Part")


class ScopeCompiler(ABC, Generic[Part]):
    """Turns a scope into an engine's conditions; the engine gives the simple ones."""

    @abstractmethod
    def all_of(self, parts: list[Part]) -> Part:
        """True where every part is."""

    @abstractmethod
    def any_of(self, parts: list[Part]) -> Part:
        """True where a part is; ``parts`` is never empty."""

    @abstractmethod
    def none_of(self, parts: list[Part]) -> Part:
        """True where no part is."""

    @abstractmethod
    def holds(self, field: str, keywords: list[str]) -> Part:
        """True where a field holds one of the keywords: nowhere, where there are none."""

    @abstractmethod
    def numbers(self, field: str, bounds: dict[str, float]) -> Part:
        """True where a number of the field is within bounds named gt, gte, lt or lte."""

    @abstractmethod
    def dates(self, field: str, bounds: dict[str, str]) -> Part:
        """The same for dates, as :func:`services.points.payload.date_text` writes them."""

    @abstractmethod
    def column(self, key: str, kind: FieldType) -> str | None:
        """The field with a numeric key's values, None where no document has any."""

    @abstractmethod
    def words(self, condition: Condition) -> Sequence[str | int]:
        """The dictionary's values of the condition's key that pass it."""

    def compile(self, scope: Scope) -> Part | None:
        """Rights and filter as one, or None where nothing is narrowed."""
        parts: list[Part] = []
        if scope.rights.principals is not None:
            parts.append(self._readable(scope.rights))
        if scope.filter is not None:
            parts.append(self._compile(scope.filter))
        return self.all_of(parts) if parts else None

    def _readable(self, rights: Rights) -> Part:
        readers = [reader(principal) for principal in sorted(rights.principals or ())]
        return self.holds(READERS, [EVERYBODY, *readers])

    def _compile(self, tree: Filter) -> Part:
        if isinstance(tree, Condition):
            return self._compile_condition(tree)
        return self._compile_group(tree)

    def _compile_group(self, group: Group) -> Part:
        children = [self._compile(child) for child in group.filters]
        match group.junction:
            case Junction.AND:
                return self.all_of(children)
            case Junction.OR:
                return self.any_of(children)
            case Junction.NOT:
                return self.none_of(children)

    def _compile_condition(self, condition: Condition) -> Part:
        if condition.operator in _EQUALITY:
            held = self._equal(condition.key, condition.values)
            negated = condition.operator in _NEGATED
            return self.none_of([held]) if negated else held
        passing = self.words(condition) if uses_dictionary(condition) else ()
        alternatives = [self._equal(condition.key, passing)]
        column = self.column(condition.key, condition.kind)
        if column is not None and not _above_every_float(condition):
            alternatives.append(self._within(condition, column))
        return self.any_of(alternatives)

    def _equal(self, key: str, values: Sequence[Scalar]) -> Part:
        return self.holds(TERMS, [term_of(key, value) for value in values])

    def _within(self, condition: Condition, column: str) -> Part:
        bound, name = condition.values[0], str(condition.operator)
        if condition.kind is FieldType.DATE:
            return self.dates(column, {name: date_text(bound)})  # type: ignore[arg-type]  # a date by its kind
        if is_large(bound):
            # Everything that a float tells apart passes; the clamped rest is the dictionary's.
            return self.numbers(column, {"gt": float(-EXACT), "lt": float(EXACT)})
        return self.numbers(column, {name: float(bound)})  # type: ignore[arg-type]  # a number by its kind


def uses_dictionary(condition: Condition) -> bool:
    """Whether the dictionary has a say: in the order of keywords and of large integers."""
    ordered = condition.kind in (FieldType.KEYWORD, FieldType.INTEGER)
    return ordered and condition.operator not in _EQUALITY


def sortable(bound: Scalar) -> str | int:
    """A bound that the dictionary orders."""
    if not isinstance(bound, (str, int)):
        raise TypeError(f"{bound!r} is no keyword and no integer")
    return bound


def _above_every_float(condition: Condition) -> bool:
    """Whether only large integers can pass, which are the dictionary's alone."""
    bound = condition.values[0]
    upward = condition.operator in (Operator.GT, Operator.GTE)
    return is_large(bound) and isinstance(bound, int) and (bound > 0) is upward
