"""The side column: which facets are worth showing, and their values as choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search_api.answer import FacetCount
from search_api.ui.state import FACET_PREFIX, PageState
from search_api.ui.wording import key_label, value_label

MAX_GROUPS = 6
MAX_VALUES = 60
_SHOWN_VALUES = 7
_FIRST_SHARE = 0.25
_MAX_NUMBERS = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """A facet's value; ``count`` is None where the answer does not count it."""

    text: str
    label: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """One facet: the values that are always shown, and the others."""

    name: str
    label: str
    shown: tuple[Choice, ...]
    more: tuple[Choice, ...]


def facet_groups(
    facets: Mapping[str, Sequence[FacetCount]], state: PageState
) -> tuple[FacetGroup, ...]:
    """The facets that narrow a search: not one value for all, nor one for every document.

    A facet with a choice in it is always shown, so that the choice can be taken back.
    """
    chosen_keys = dict.fromkeys(key for key, _ in state.chosen)
    useful = [key for key, counts in facets.items() if key in chosen_keys or _useful(counts)]
    useful += [key for key in chosen_keys if key not in facets]
    # A stable sort: chosen first, or a seventh choice could not be taken back.
    kept = set(sorted(useful, key=lambda key: key not in chosen_keys)[:MAX_GROUPS])
    return tuple(_group(key, facets.get(key, ()), state) for key in useful if key in kept)


def _useful(counts: Sequence[FacetCount]) -> bool:
    if len(counts) < 2:
        return False
    if len(counts) <= _SHOWN_VALUES:
        return True
    if len(counts) > _MAX_NUMBERS and not isinstance(counts[0].value, str):
        return False  # a measure, to be sorted by
    # Many values are groups only where the first of them hold much; else they are names.
    first = sum(each.count for each in counts[:_SHOWN_VALUES])
    return first >= _FIRST_SHARE * sum(each.count for each in counts)


def _group(key: str, counts: Sequence[FacetCount], state: PageState) -> FacetGroup:
    chosen = {text for name, text in state.chosen if name == key}
    choices = [
        Choice(_text(each.value), value_label(each.value), each.count, _text(each.value) in chosen)
        for each in counts[:MAX_VALUES]
    ]
    counted = {choice.text for choice in choices}
    choices += [Choice(text, text, None, chosen=True) for text in sorted(chosen - counted)]
    # One value more than fits is shown rather than hidden behind "1 more".
    limit = len(choices) if len(choices) <= _SHOWN_VALUES + 1 else _SHOWN_VALUES
    shown = [choice for place, choice in enumerate(choices) if place < limit or choice.chosen]
    more = [choice for choice in choices if choice not in shown]
    return FacetGroup(FACET_PREFIX + key, key_label(key), tuple(shown), tuple(more))


def _text(value: object) -> str:
    """A value as the URL holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
