"""The standard library as a corpus."""

import pytest

from indexer.draft import Draft
from indexer.standard_library import standard_library_drafts
from services.collections import Schema


@pytest.fixture(scope="module")
def drafts() -> dict[str, Draft]:
    return {draft.id: draft for draft in standard_library_drafts()}


def test_it_is_of_a_useful_size(drafts: dict[str, Draft]) -> None:
    """Some thousand documents, none without text, all storable."""
    assert 3_000 < len(drafts) < 9_000
    for draft in drafts.values():
        assert draft.checked(2**20) == draft
        assert draft.text.strip()


@pytest.mark.parametrize(
    ("identifier", "kind", "words"),
    [
        ("json", "module", "JavaScript Object Notation"),
        ("json.dumps", "function", "Serialize ``obj``"),
        ("pathlib.Path.glob", "method", "Iterate over this subtree"),
        ("str.join", "method", "Concatenate any number of strings"),
        ("itertools.chain", "class", "chain"),
        ("math.sqrt", "function", "square root"),
        ("os.listdir", "function", "list containing the names"),
        ("os.path.join", "function", "pathname components"),
        ("ValueError", "exception", "Inappropriate argument value"),
    ],
)
def test_well_known_names_are_there(
    drafts: dict[str, Draft], identifier: str, kind: str, words: str
) -> None:
    """What is written in Python and in C, by the name that users write."""
    draft = drafts[identifier]
    assert draft.metadata["kind"] == kind
    assert words in draft.text
    assert draft.title.startswith(identifier)


def test_titles_carry_signatures_and_addresses_lead_to_the_reference(
    drafts: dict[str, Draft],
) -> None:
    """A reader sees how to call it and where to read on."""
    draft = drafts["json.dumps"]
    assert draft.title.startswith("json.dumps(obj, *, skipkeys=False")
    assert draft.url.endswith("/library/json.html#json.dumps")
    assert draft.metadata["module"] == draft.metadata["package"] == "json"


def test_private_names_and_tests_are_left_out(drafts: dict[str, Draft]) -> None:
    """Only what a user may call."""
    assert not [name for name in drafts if name.startswith(("test.", "idlelib", "_"))]
    assert not [name for name in drafts if "._" in name]


def test_metadata_fits_one_schema(drafts: dict[str, Draft]) -> None:
    """Every document agrees on the type of each key."""
    schema = Schema()
    for draft in drafts.values():
        schema, _ = schema.coerce(draft.metadata)
    assert {key: str(kind) for key, kind in schema.fields.items()} == {
        "module": "keyword",
        "package": "keyword",
        "kind": "keyword",
        "lines": "integer",
        "python": "keyword",
    }
