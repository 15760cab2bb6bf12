"""The payload columns of numeric metadata keys: places that the catalog hands out."""

from collections.abc import Mapping

from services.collections import FieldType

Columns = Mapping[str, tuple[FieldType, int]]


def column_name(kind: FieldType, place: int) -> str:
    """The payload field of the key with this place among the keys of its type."""
    return f"{kind}_{place}"


def column_names(columns: Columns) -> dict[str, str]:
    """The payload field of each numeric key."""
    return {key: column_name(*column) for key, column in columns.items()}
