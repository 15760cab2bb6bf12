"""Edge's filters: the shared compiler in Edge's classes."""

from collections.abc import Iterable, Sequence
from uuid import UUID

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
from services.embedded.vectors.catalog import Catalog
from services.embedded.vectors.columns import Columns, column_name
from services.filters import Condition
from services.points.conditions import ScopeCompiler, sortable


class EdgeCompiler(ScopeCompiler[EdgeFilter]):
    """Every condition is a filter of its own, so that they nest."""

    def __init__(self, catalog: Catalog, columns: Columns) -> None:
        self._catalog = catalog
        self._columns = columns

    def all_of(self, parts: list[EdgeFilter]) -> EdgeFilter:
        """``must``."""
        return EdgeFilter(must=[*parts])

    def any_of(self, parts: list[EdgeFilter]) -> EdgeFilter:
        """``should``."""
        return EdgeFilter(should=[*parts])

    def none_of(self, parts: list[EdgeFilter]) -> EdgeFilter:
        """``must_not``."""
        return EdgeFilter(must_not=[*parts])

    def holds(self, field: str, keywords: list[str]) -> EdgeFilter:
        """``match any``."""
        return EdgeFilter(must=[FieldCondition(field, match=MatchAny(keywords))])

    def numbers(self, field: str, bounds: dict[str, float]) -> EdgeFilter:
        """A range of floats."""
        return EdgeFilter(must=[FieldCondition(field, range=RangeFloat(**bounds))])

    def dates(self, field: str, bounds: dict[str, str]) -> EdgeFilter:
        """A range of dates."""
        return EdgeFilter(must=[FieldCondition(field, range=RangeDateTime(**bounds))])

    def column(self, key: str, kind: FieldType) -> str | None:  # noqa: ARG002 - the catalog knows it
        """The column that the catalog gave to a key."""
        column = self._columns.get(key)
        return None if column is None else column_name(*column)

    def words(self, condition: Condition) -> Sequence[str | int]:
        """From the catalog."""
        bound = sortable(condition.values[0])
        return self._catalog.words(condition.key, condition.operator, bound)


def compile_window(identifiers: Iterable[UUID]) -> EdgeFilter:
    """These points and no others."""
    return EdgeFilter(must=[HasIdCondition(set(identifiers))])
