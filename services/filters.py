"""The one filter grammar: ``{"key","type","value"}`` and ``{"type","filters"}``.

Semantics, the same for every engine: an array matches if any of its elements does;
``ne``, ``nin`` and ``not`` negate that, so they match documents that lack the key.
Adapters compile the tree; :func:`matches` is the reference they are tested against.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.collections import FieldType, Schema, coerce_scalar, values_of
from services.documents import Scalar, Value
from services.errors import InvalidFilter, InvalidInput

MAX_DEPTH = 20
MAX_CONDITIONS = 1_000


class Operator(StrEnum):
    """How a key's value is compared."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"


class Junction(StrEnum):
    """How filters are joined."""

    AND = "and"
    OR = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Condition:
    """One key compared with values of its type; only ``in`` and ``nin`` hold several."""

    key: str
    kind: FieldType
    operator: Operator
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Filters joined; ``not`` is true where none of its filters is."""

    junction: Junction
    filters: tuple["Filter", ...]


Filter = Condition | Group

_RANGES: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
}


def parse_filter(raw: object, schema: Schema) -> Filter | None:
    """Read a filter as JSON gives it.

    Args:
        raw: the grammar's object, a list of them (joined by and), or None.
        schema: the collection's; a key that it lacks is refused.

    Raises:
        InvalidFilter: says where the filter leaves the grammar and what is allowed.
    """
    if raw is None or raw in ([], {}):
        return None
    if isinstance(raw, list):
        raw = {"type": "and", "filters": raw}
    budget = [MAX_CONDITIONS]
    return _parse(raw, schema, 1, budget)


def _parse(raw: object, schema: Schema, depth: int, budget: list[int]) -> Filter:
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"Filters nest at most {MAX_DEPTH} deep.")
    budget[0] -= 1
    if budget[0] < 0:
        raise InvalidFilter(f"A filter has at most {MAX_CONDITIONS} conditions.")
    if not isinstance(raw, dict):
        raise InvalidFilter('A filter is an object: {"key": "year", "type": "gte", "value": 2020}.')
    if "filters" in raw:
        return _parse_group(raw, schema, depth, budget)
    return _parse_condition(raw, schema)


def _parse_group(raw: dict[str, object], schema: Schema, depth: int, budget: list[int]) -> Group:
    if set(raw) != {"type", "filters"} or raw["type"] not in set(Junction):
        raise InvalidFilter(
            'Filters are joined as {"type": "and" | "or" | "not", "filters": [...]}, nothing else.'
        )
    children = raw["filters"]
    if not isinstance(children, list) or not children:
        raise InvalidFilter("'filters' is a list of at least one filter.")
    junction = Junction(str(raw["type"]))
    return Group(junction, tuple(_parse(child, schema, depth + 1, budget) for child in children))


def _parse_condition(raw: dict[str, object], schema: Schema) -> Condition:
    if set(raw) != {"key", "type", "value"}:
        raise InvalidFilter(
            'A condition has "key", "type" and "value"; this one has '
            + (", ".join(repr(str(name)[:40]) for name in list(raw)[:8]) or "nothing")
            + "."
        )
    key, name, value = raw["key"], raw["type"], raw["value"]
    if name not in set(Operator):
        raise InvalidFilter(f"A condition's type is one of {', '.join(Operator)}.")
    if not isinstance(key, str) or key not in schema.fields:
        declared = ", ".join(schema.fields) or "none yet"
        raise InvalidFilter(
            f"The collection declares no key {str(key)[:80]!r} (declared: {declared[:400]})."
        )
    comparison, kind = Operator(str(name)), schema.fields[key]
    if comparison in _RANGES and kind is FieldType.BOOLEAN:
        raise InvalidFilter(f"'{key}' is boolean: use eq, ne, in or nin.")
    return Condition(key, kind, comparison, _parse_values(key, kind, comparison, value))


def _parse_values(
    key: str, kind: FieldType, comparison: Operator, value: object
) -> tuple[Scalar, ...]:
    several = comparison in (Operator.IN, Operator.NIN)
    if several != isinstance(value, list):
        raise InvalidFilter(
            f"'{key}': {comparison} takes {'a list of values' if several else 'one value'}."
        )
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_CONDITIONS:
        raise InvalidFilter(f"'{key}': a list has at most {MAX_CONDITIONS} values.")
    try:
        return tuple(coerce_scalar(key, kind, item) for item in items)
    except InvalidInput as error:
        raise InvalidFilter(error.detail) from None


def matches(tree: Filter | None, metadata: Mapping[str, Value]) -> bool:
    """Whether a document's metadata passes: the reference for every engine's compiler."""
    if tree is None:
        return True
    if isinstance(tree, Group):
        results = (matches(child, metadata) for child in tree.filters)
        if tree.junction is Junction.AND:
            return all(results)
        return any(results) is (tree.junction is Junction.OR)
    held = values_of(metadata.get(tree.key))
    match tree.operator:
        case Operator.EQ | Operator.IN:
            return any(item in tree.values for item in held)
        case Operator.NE | Operator.NIN:
            return not any(item in tree.values for item in held)
        case ranged:
            return any(_RANGES[ranged](item, tree.values[0]) for item in held)
