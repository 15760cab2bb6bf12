"""Disjunctive facets: a facet is counted without its own conditions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from services.candidates import FacetValue
from services.collections import values_of
from services.documents import Scalar, Value
from services.filters import Condition, Filter, Group, Junction


def facet_filters(tree: Filter | None, keys: Sequence[str]) -> dict[str, Filter | None]:
    """For each facet the filter without that key's own conditions."""
    return {key: without_key(tree, key) for key in keys}


def without_key(tree: Filter | None, key: str) -> Filter | None:
    """A filter less the conditions on a key that stand alone or in conjunctions.

    A part of an ``or`` that speaks of several keys, or a ``not``, is no choice made in a
    facet: it stays. An ``or`` of one key's values is one, and goes.
    """
    if tree is None or _only_about(tree, key):
        return None
    if isinstance(tree, Condition) or tree.junction is not Junction.AND:
        return tree
    kept = tuple(
        child for child in (without_key(child, key) for child in tree.filters) if child is not None
    )
    return Group(Junction.AND, kept) if kept else None


def _only_about(tree: Filter, key: str) -> bool:
    if isinstance(tree, Condition):
        return tree.key == key
    return tree.junction is not Junction.NOT and all(
        _only_about(child, key) for child in tree.filters
    )


def count_values(
    documents: Iterable[Mapping[str, Value]], keys: Sequence[str]
) -> dict[str, list[FacetValue]]:
    """Facets over documents at hand: by falling count, then by value."""
    counts: dict[str, Counter[Scalar]] = {key: Counter() for key in keys}
    for metadata in documents:
        for key, counter in counts.items():
            counter.update(set(values_of(metadata.get(key))))
    return {
        key: [
            FacetValue(value, count)
            for value, count in sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
        ]
        for key, counter in counts.items()
    }
