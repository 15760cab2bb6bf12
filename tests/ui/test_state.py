"""The page's state and its URL."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_api.request import Mode, Rerank, SortBy
from search_api.ui.state import PageState, read_state
from services.collections import FieldType, Schema
from services.errors import InvalidInput

_text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
_states = st.builds(
    PageState,
    collection=_text,
    query=_text,
    mode=st.sampled_from(Mode),
    rerank=st.sampled_from(Rerank),
    sort=_text,
    chosen=st.lists(st.tuples(_text, _text.filter(bool)), max_size=4, unique=True).map(tuple),
    browse=st.booleans(),
    next=_text,
)
_SCHEMA = Schema(
    {
        "place": FieldType.KEYWORD,
        "year": FieldType.INTEGER,
        "tested": FieldType.BOOLEAN,
        "weight": FieldType.FLOAT,
        "day": FieldType.DATE,
    }
)


@settings(max_examples=80, deadline=None)
@given(_states)
def test_the_url_holds_the_state(state: PageState) -> None:
    """A state is read back from its own address as it was."""
    pairs = parse_qsl(urlsplit(state.url()).query, keep_blank_values=True)
    assert read_state(pairs) == state


def test_usual_choices_are_left_out_of_the_url() -> None:
    """An address to pass on holds only what was chosen."""
    assert PageState(query="a b").url() == "/?q=a+b"
    assert PageState().url() == "/"


def test_choices_become_typed_filters() -> None:
    """The values of one key widen one another; keys narrow one another."""
    chosen = (
        ("place", "barn"),
        ("year", "2020"),
        ("place", "field"),
        ("tested", "true"),
        ("weight", "1.5"),
    )
    request = PageState(query="x", chosen=chosen, sort="-year").request(_SCHEMA)
    assert request.filters == [
        {"key": "place", "type": "in", "value": ["barn", "field"]},
        {"key": "year", "type": "in", "value": [2020]},
        {"key": "tested", "type": "in", "value": [True]},
        {"key": "weight", "type": "in", "value": [1.5]},
    ]
    assert request.sort == SortBy(key="year", descending=True)
    assert request.facets == ["place", "year", "tested"]


def test_values_that_do_not_fit_stay_text_for_the_search_to_refuse() -> None:
    """The page does not guess: the sentence comes from where filters are read."""
    request = PageState(chosen=(("year", "soon"), ("weight", "much"))).request(_SCHEMA)
    assert [each["value"] for each in request.filters] == [["soon"], ["much"]]


def test_a_next_page_asks_for_nothing_else() -> None:
    """The list is frozen: the rest of the address only fills the controls."""
    request = PageState(query="x", next="token", sort="year").request(_SCHEMA)
    assert request.model_fields_set == {"next", "explain"}


@pytest.mark.parametrize("name", ["mode", "rerank"])
def test_an_unknown_choice_is_refused(name: str) -> None:
    """With the choices that there are."""
    with pytest.raises(InvalidInput, match=rf"'{name}' is one of .*'bogus' is not"):
        read_state([(name, "bogus")])


def test_taking_back_the_last_choice_of_a_search_without_words_browses_on() -> None:
    """Else removing a filter would lead to the empty page."""
    state = PageState(chosen=(("place", "barn"),))
    assert state.without("place", "barn") == "/?browse=1"
    worded = PageState(query="x", chosen=(("place", "barn"),), next="token")
    assert worded.without("place", "barn") == "/?q=x"
