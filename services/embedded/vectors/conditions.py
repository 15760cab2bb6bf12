"""Compiles a scope into Edge's filter; :func:`services.filters.matches` is the reference."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qdrant_edge import (
    FieldCondition,
    HasIdCondition,
    MatchAny,
    RangeDateTime,
    RangeFloat,
)
from qdrant_edge import (
    Filter as EdgeFilter,
)

from services.collections import FieldType
from services.documents import Scalar
from services.embedded.vectors.catalog import Catalog
from services.embedded.vectors.payload import (
    EVERYBODY,
    EXACT,
    READERS,
    TERMS,
    Columns,
    column_name,
    date_text,
    is_large,
    reader,
    term,
)
from services.filters import Condition, Filter, Group, Junction, Operator
from services.queries import Scope
from services.rights import Rights

if TYPE_CHECKING:
    from qdrant_edge import ConditionType  # an alias of the stubs, absent at run time

_EQUALITY = (Operator.EQ, Operator.NE, Operator.IN, Operator.NIN)
_NEGATED = (Operator.NE, Operator.NIN)


def compile_scope(scope: Scope, catalog: Catalog, columns: Columns) -> EdgeFilter | None:
    """Rights and filter as one, or None where nothing is narrowed."""
    parts: list[ConditionType] = []
    if scope.rights.principals is not None:
        parts.append(_readable(scope.rights))
    if scope.filter is not None:
        parts.append(_compile(scope.filter, catalog, columns))
    return EdgeFilter(must=parts) if parts else None


def compile_window(identifiers: Iterable[str]) -> EdgeFilter:
    """These points and no others."""
    return EdgeFilter(must=[HasIdCondition(set(identifiers))])


def _readable(rights: Rights) -> FieldCondition:
    readers = [reader(principal) for principal in sorted(rights.principals or ())]
    return FieldCondition(READERS, match=MatchAny([EVERYBODY, *readers]))


def _compile(tree: Filter, catalog: Catalog, columns: Columns) -> EdgeFilter:
    if isinstance(tree, Condition):
        return _compile_condition(tree, catalog, columns)
    return _compile_group(tree, catalog, columns)


def _compile_group(group: Group, catalog: Catalog, columns: Columns) -> EdgeFilter:
    children: list[ConditionType] = [_compile(child, catalog, columns) for child in group.filters]
    match group.junction:
        case Junction.AND:
            return EdgeFilter(must=children)
        case Junction.OR:
            return EdgeFilter(should=children)
        case Junction.NOT:
            return EdgeFilter(must_not=children)


def _compile_condition(condition: Condition, catalog: Catalog, columns: Columns) -> EdgeFilter:
    if condition.operator in _EQUALITY:
        held = _holds(condition.key, condition.values)
        negated = condition.operator in _NEGATED
        return EdgeFilter(must_not=[held]) if negated else EdgeFilter(must=[held])
    alternatives: list[ConditionType] = [_ordered_by_dictionary(condition, catalog)]
    column = columns.get(condition.key)
    if column is not None and not _above_every_float(condition):
        alternatives.append(_ordered_by_column(condition, column_name(*column)))
    return EdgeFilter(should=alternatives)


def _holds(key: str, values: tuple[Scalar, ...]) -> FieldCondition:
    return FieldCondition(TERMS, match=MatchAny([term(key, value) for value in values]))


def _ordered_by_dictionary(condition: Condition, catalog: Catalog) -> FieldCondition:
    """Keywords and large integers: those of the dictionary that pass, by equality."""
    bound = condition.values[0]
    if condition.kind not in (FieldType.KEYWORD, FieldType.INTEGER):
        return _holds(condition.key, ())
    words = catalog.words(condition.key, condition.operator, _sortable(bound))
    return _holds(condition.key, tuple(words))


def _sortable(bound: Scalar) -> str | int:
    if not isinstance(bound, (str, int)):
        raise TypeError(f"{bound!r} is no keyword and no integer")
    return bound


def _above_every_float(condition: Condition) -> bool:
    """Whether only large integers can pass, which are the dictionary's alone."""
    bound = condition.values[0]
    upward = condition.operator in (Operator.GT, Operator.GTE)
    return is_large(bound) and isinstance(bound, int) and (bound > 0) is upward


def _ordered_by_column(condition: Condition, column: str) -> FieldCondition:
    bound, name = condition.values[0], str(condition.operator)
    if condition.kind is FieldType.DATE:
        return FieldCondition(column, range=RangeDateTime(**{name: date_text(bound)}))  # type: ignore[arg-type]  # a date by its kind
    if is_large(bound):
        # Everything that a float tells apart passes; the clamped rest is the dictionary's.
        return FieldCondition(column, range=RangeFloat(gt=float(-EXACT), lt=float(EXACT)))
    return FieldCondition(column, range=RangeFloat(**{name: float(bound)}))  # type: ignore[arg-type]  # a number by its kind
