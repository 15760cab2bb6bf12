"""Drafts of JSON, as the API and as files take it."""

import math

import pytest

from indexer.draft import Draft, storable
from indexer.drafts import draft_from_json
from services.documents import Heading
from services.errors import InvalidDocument, InvalidId, TooLarge


def test_the_form_of_the_api() -> None:
    """Every field has its place."""
    draft = draft_from_json(
        {
            "_id": "a/b c",
            "text": "Words",
            "title": "T",
            "url": "https://a.example",
            "language": "en",
            "metadata": {"n": 1, "tags": ["x"], "none": None},
            "principals": ["group:a"],
        },
        "Line 1",
    )
    assert draft == Draft(
        id="a/b c",
        text="Words",
        title="T",
        url="https://a.example",
        language="en",
        metadata={"n": 1, "tags": ["x"], "none": None},
        principals=("group:a",),
    )


@pytest.mark.parametrize(
    ("form", "text"), [("markdown", "# Head\n\n*Body*"), ("html", "<h1>Head</h1><p><b>Body</b>")]
)
def test_markup_is_rendered(form: str, text: str) -> None:
    """The stored text is plain, with the outline of its headings."""
    draft = draft_from_json({"id": "a", "text": text, "format": form}, "Line 1")
    assert draft.text == "Head\n\nBody"
    assert draft.outline == (Heading(0, 1, "Head"),)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "a document is a JSON object, not an array"),
        (None, "not null"),
        ({}, "needs an 'id'"),
        ({"id": ""}, "needs an 'id'"),
        ({"id": True}, "'id' is a string"),
        ({"id": "a", "text": 3}, "'text' is a string, not a number"),
        ({"id": "a", "body": "x"}, "unknown field 'body'"),
        ({"id": "a", "metadata": "x"}, "'metadata' is an object"),
        ({"id": "a", "metadata": {"a": {"b": 1}}}, "is nested"),
        ({"id": "a", "metadata": {"a": [[1]]}}, "is nested"),
        ({"id": "a", "metadata": {"a": [1, None]}}, "holds null"),
        ({"id": "a", "metadata": {"a": math.nan}}, "not a finite number"),
        ({"id": "a", "metadata": {"a": [1.0, -math.inf]}}, "not a finite number"),
        ({"id": "a", "metadata": {"\ud800": 1}}, "not valid Unicode"),
        ({"id": "a", "principals": "x"}, "'principals' is a list"),
        ({"id": "a", "principals": [""]}, "'principals' is a list"),
        ({"id": "a", "format": "pdf"}, "'format' is text, markdown or html"),
        ({"id": "a", "url": "x\0"}, "'url' holds NUL"),
    ],
)
def test_what_the_api_refuses(raw: object, message: str) -> None:
    """Each fault is named, with the record that has it."""
    with pytest.raises(InvalidDocument, match=r"^Line 7: ") as refused:
        draft_from_json(raw, "Line 7")
    assert message in refused.value.detail


@pytest.mark.parametrize("identifier", ["a\nb", "\0", "x" * 513, "\ud800"])
def test_an_id_that_cannot_be_one(identifier: str) -> None:
    """Control characters, too many bytes and lone surrogates are refused."""
    with pytest.raises(InvalidId):
        draft_from_json({"id": identifier, "text": "x"}, "Line 1")


def test_the_id_of_the_address() -> None:
    """A body may leave the id out or repeat it, not contradict it."""
    assert draft_from_json({"text": "x"}, "The body", identifier="a").id == "a"
    assert draft_from_json({"id": "a"}, "The body", identifier="a").id == "a"
    with pytest.raises(InvalidDocument, match="is not the URL's 'a'"):
        draft_from_json({"id": "b"}, "The body", identifier="a")


def test_nul_and_lone_surrogates_keep_offsets() -> None:
    """They are replaced one for one in text and title."""
    draft = draft_from_json({"id": "a", "text": "x\0y\ud800z", "title": "\0"}, "Line 1")
    assert (draft.text, draft.title) == ("x\ufffdy\ufffdz", "\ufffd")
    assert storable("plain 漢字 👍") == "plain 漢字 👍"


def test_checked_counts_bytes() -> None:
    """The cap of a document is in UTF-8."""
    assert Draft("a", "é" * 512).checked(1_024).text == "é" * 512
    with pytest.raises(TooLarge, match="1026 bytes"):
        Draft("a", "é" * 513).checked(1_024)
