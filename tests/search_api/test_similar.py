"""Documents like a given one."""

import pytest

from indexer.draft import Draft
from search_api.similar import similar
from search_api.words import parse_words, plain_words
from services.errors import DocumentNotFound
from services.rights import Rights
from tests.search_api.conftest import Library


async def test_the_nearest_others_come_first(library: Library) -> None:
    """Both texts on coffee find each other, and never themselves."""
    for document, other in (("coffee", "iced"), ("iced", "coffee")):
        answer = await similar(library.services, library.search_service, "default", document)
        ids = [result.id for result in answer.results]
        assert ids[0] == other
        assert document not in ids
        assert [result.rank for result in answer.results] == list(range(1, len(ids) + 1))


async def test_size_and_filters_hold(library: Library) -> None:
    """As many as asked for, of those that pass the filter."""
    answer = await similar(
        library.services, library.search_service, "default", "tea", size=1,
        filters={"key": "kind", "type": "eq", "value": "food"},
    )  # fmt: skip
    assert [result.metadata["kind"] for result in answer.results] == ["food"]
    assert answer.next is None


async def test_the_words_of_a_text_are_no_commands(library: Library) -> None:
    """Quotation marks and minus signs of the document rule nothing out."""
    await library.add(Draft("odd", 'Coffee -hot "never said anywhere', "Coffee"))
    answer = await similar(library.services, library.search_service, "default", "odd")
    assert "coffee" in [result.id for result in answer.results]
    words = parse_words(plain_words('a "quoted part" --not -b \u201ethis\u201c e-mail'))
    assert (words.phrases, words.excluded) == ((), ())
    assert words.text == "a quoted part not b this e-mail"


@pytest.mark.parametrize("identifier", ["nowhere", "secret"])
async def test_what_is_not_there_or_not_yours_is_not_found(
    library: Library, identifier: str
) -> None:
    """The same answer for both, so that nothing is given away."""
    nobody = Rights(principals=frozenset({"guests"}))
    with pytest.raises(DocumentNotFound):
        await similar(
            library.services, library.search_service, "default", identifier, rights=nobody
        )
