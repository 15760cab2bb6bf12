from hypothesis import given
from hypothesis import strategies as st

from search_api.facets import count_values, without_key
from services.collections import FieldType
from services.filters import Condition, Filter, Group, Junction, Operator, matches


def equals(key: str, *values: str) -> Condition:
    return Condition(key, FieldType.KEYWORD, Operator.IN, values)


trees = st.recursive(
    st.builds(equals, st.sampled_from("xyz"), st.sampled_from("12")),
    lambda inner: st.builds(
        Group, st.sampled_from(Junction), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=6,
)


def test_a_facet_is_counted_without_its_own_choice() -> None:
    """Choosing a colour narrows sizes, not the other colours."""
    tree = Group(Junction.AND, (equals("colour", "red"), equals("size", "m")))
    assert without_key(tree, "colour") == Group(Junction.AND, (equals("size", "m"),))
    assert without_key(equals("colour", "red"), "colour") is None


def test_an_or_over_several_keys_is_no_choice_in_a_facet() -> None:
    """It stays as it is, for half of it would mean something else."""
    tree = Group(Junction.OR, (equals("colour", "red"), equals("size", "m")))
    assert without_key(tree, "colour") == tree


@given(trees, st.fixed_dictionaries({key: st.sampled_from("12") for key in "xyz"}))
def test_leaving_a_key_out_only_widens_a_filter_without_negation(
    tree: Filter, metadata: dict[str, str]
) -> None:
    """What passed before passes still."""
    if matches(tree, metadata):
        assert matches(without_key(tree, "x"), metadata)


def test_values_are_counted_once_a_document_most_frequent_first() -> None:
    """Repeated values of one document count once; ties go by value."""
    found = count_values([{"tag": ("b", "a", "b")}, {"tag": "a"}, {}], ["tag"])
    assert [(each.value, each.count) for each in found["tag"]] == [("a", 2), ("b", 1)]
