"""Drafts become documents, or are refused with an error of ours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.draft import Draft
from indexer.outcomes import Removal
from indexer.preparation import prepare, prepare_document
from services.collections import Collection
from services.documents import Heading
from services.errors import InvalidDocument, WinnowError
from services.ports.ledger import Write

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT)
METADATA = st.dictionaries(ANY_TEXT, st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), max_size=3)
BOOKS = Collection("books", language="en")


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Draft, id=ANY_TEXT, text=ANY_TEXT, title=ANY_TEXT, url=ANY_TEXT, metadata=METADATA,
        language=st.one_of(st.just("en"), ANY_TEXT), principals=st.lists(ANY_TEXT).map(tuple),
    )
)  # fmt: skip
def test_whatever_comes_is_stored_or_refused(draft: Draft) -> None:
    """A stored document is valid Unicode, its text as long as it came, its schema complete."""
    prepared = prepare([draft], BOOKS, 1_000)
    (write,) = prepared.writes
    if isinstance(write, WinnowError):
        assert write.status < 500
        assert prepared.schema == BOOKS.schema
        return
    document = write.document
    assert document is not None
    assert len(document.text) == len(draft.text)
    assert "\0" not in document.text + document.title + document.url
    for text in (document.text, document.title, document.url, *document.principals):
        text.encode()
    assert set(document.metadata) <= set(prepared.schema.fields)


def test_a_refused_draft_leaves_no_key_in_the_schema() -> None:
    """Also where its first key was fine."""
    drafts: list[Draft | Removal] = [
        Draft("a", "x", metadata={"new": 1, "score": float("inf")}),
        Draft("b", "x", metadata={"kind": "k"}),
        Removal("c"),
    ]
    prepared = prepare(drafts, BOOKS, 1_000)
    assert isinstance(prepared.writes[0], InvalidDocument)
    assert list(prepared.schema.fields) == ["kind"]
    assert prepared.writes[2] == Write("c", None)


@pytest.mark.parametrize(
    "outline",
    [
        (Heading(9, 1, "past the end"),),
        (Heading(2, 1, "a"), Heading(1, 1, "before")),
        (Heading(-1, 1, "a"),),
        (Heading(0, 0, "no level"),),
    ],
)
def test_an_outline_that_does_not_fit_the_text_is_refused(outline: tuple[Heading, ...]) -> None:
    """Starts lie in the text and rise; levels count from 1."""
    with pytest.raises(InvalidDocument):
        prepare_document(Draft("a", "text", outline=outline), BOOKS, 1_000)
