"""Filters as people type them: ``year>=2020``, ``kind=class,function``, ``draft!=true``."""

import json
import re
from collections.abc import Sequence

from services.errors import InvalidFilter

_CONDITION = re.compile(r"(?P<key>[^=<>!]+)(?P<sign>!=|>=|<=|=|>|<)(?P<value>.*)", re.DOTALL)
_TYPES = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_SEVERAL = {"eq": "in", "ne": "nin"}


def filters_from(conditions: Sequence[str], raw: str, types: dict[str, str]) -> object:
    """The grammar's filter for conditions and a JSON filter that all hold.

    Args:
        types: the collection's schema, which says what a value's text stands for.

    Raises:
        InvalidFilter: a condition has no sign, or the JSON is none.
    """
    filters: list[object] = [condition_from(text, types) for text in conditions]
    if raw:
        try:
            filters.append(json.loads(raw))
        except (ValueError, RecursionError):
            raise InvalidFilter(
                '--filters takes JSON, such as \'{"key": "year", "type": "gte", "value": 2020}\'.'
            ) from None
    return filters or None


def condition_from(text: str, types: dict[str, str]) -> dict[str, object]:
    """One condition; several values with commas between them are alternatives."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise InvalidFilter(
            f"--filter takes KEY=VALUE, or !=, >, >=, < or <= in between; {text[:80]!r} has none."
        )
    key, kind = match["key"].strip(), _TYPES[match["sign"]]
    declared = types.get(key, "keyword")
    values = [_typed(part.strip(), declared) for part in match["value"].split(",")]
    if len(values) > 1 and kind in _SEVERAL:
        return {"key": key, "type": _SEVERAL[kind], "value": values}
    return {"key": key, "type": kind, "value": _typed(match["value"].strip(), declared)}


def _typed(text: str, declared: str) -> object:
    """The value that a text stands for under the key's type.

    What does not fit stays text, and is refused with the schema's own words.
    """
    try:
        match declared:
            case "integer":
                return int(text)
            case "float":
                return float(text)
    except ValueError:
        return text
    if declared == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text
