"""Who may ask, from where, and by which name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.errors import InvalidInput
from services.settings import Settings
from services.web.keys import Keys, Role, check_exposure, is_loopback


def keys(search: str = "", admin: str = "") -> Keys:
    return Keys.from_settings(Settings(search_key=SecretStr(search), admin_key=SecretStr(admin)))


def test_without_keys_everybody_may_everything() -> None:
    """Only this machine is served then."""
    assert not keys().required
    assert keys().role("") is Role.ADMINISTRATOR


def test_each_key_has_its_role() -> None:
    """The search key searches; what is no key may nothing."""
    both = keys("find", "manage")
    assert [both.role(key) for key in ("find", "manage", "", "Find", "find ")] == [
        Role.SEARCHER,
        Role.ADMINISTRATOR,
        Role.NOBODY,
        Role.NOBODY,
        Role.NOBODY,
    ]


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_may_be_tried_as_a_key(text: str) -> None:
    """No text breaks the comparison, lone surrogates included."""
    assert keys("find", "manage").role(text) in set(Role)


@pytest.mark.parametrize(("search", "admin"), [("a", ""), ("", "a"), ("a", "a")])
def test_half_a_pair_of_keys_is_refused(search: str, admin: str) -> None:
    """One key alone would leave a door that nobody can see."""
    with pytest.raises(InvalidInput, match="both"):
        keys(search, admin)


def test_strangers_are_served_only_on_purpose() -> None:
    """Another host than this machine needs keys or --open."""
    with pytest.raises(InvalidInput, match="--open"):
        check_exposure("0.0.0.0", keys(), open_to_all=False)
    check_exposure("0.0.0.0", keys(), open_to_all=True)
    check_exposure("0.0.0.0", keys("a", "b"), open_to_all=False)
    check_exposure("127.0.0.1", keys(), open_to_all=False)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "::1", "[::1]", "LOCALHOST.", "127.8.9.1"]
)
def test_names_of_this_machine(host: str) -> None:
    """Loopback by name and by address."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.org", "localhost.example.org", "10.0.0.1", "::"])
def test_names_that_may_be_another_machine(host: str) -> None:
    """Everything else may be anywhere."""
    assert not is_loopback(host)
