import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.pages import Continuation
from services.errors import InvalidInput


@given(st.uuids(), st.integers(0, 10_000))
def test_a_continuation_survives_its_encoding(search: uuid.UUID, position: int) -> None:
    """Encoding is the inverse of decoding, and needs no escaping in a URL."""
    continuation = Continuation(search.hex, position)
    text = continuation.encode()
    assert Continuation.decode(text) == continuation
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_made_up_continuations_are_refused(text: str) -> None:
    """Whatever a caller invents is answered with what to do."""
    with pytest.raises(InvalidInput, match="search anew"):
        Continuation.decode(text)


@given(st.uuids(), st.integers(0, 99), st.integers(0, 10))
def test_a_changed_continuation_is_refused(search: uuid.UUID, position: int, place: int) -> None:
    """One altered character is noticed."""
    text = Continuation(search.hex, position).encode()
    altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    with pytest.raises(InvalidInput):
        Continuation.decode(altered)
