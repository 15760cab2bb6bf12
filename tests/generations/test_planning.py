"""What a new generation is built with."""

import pytest

from indexer.draft import Draft
from indexer.generations.orders import Order
from indexer.generations.planning import Changes, planned
from indexer.service import Indexer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.errors import InvalidInput, ModelUnavailable, NotFound
from services.generations import GenerationFingerprint
from tests.generations.examples import ME, books, built
from tests.indexer.conftest import indexer, services

__all__ = ["indexer", "services"]


@pytest.fixture
async def live(services: Services, indexer: Indexer) -> GenerationFingerprint:
    """How the live generation of ``books`` is built."""
    return (await services.ledger.collections.head("books")).live.fingerprint


async def test_settings_hold_for_what_is_not_asked(
    services: Services, live: GenerationFingerprint
) -> None:
    """No change plans the live configuration; each choice changes its own part."""
    assert await planned(services, Changes(), live) == live
    smaller = await planned(services, Changes(chunk_tokens=40, overlap_tokens=8), live)
    assert (smaller.chunker.max_tokens, smaller.chunker.overlap_tokens) == (40, 8)
    assert smaller.encoder == live.encoder
    other = await planned(services, Changes(model="hashing-32", token_dimensions=8), live)
    assert other.encoder is not None
    assert (other.encoder.model, other.encoder.dimensions) == ("hashing-32", 32)
    assert other.encoder.token_dimensions == 8
    alone = await planned(services, Changes(model="none"), live)
    assert alone.encoder is None


async def test_the_language_is_part_of_the_fingerprint(
    services: Services, live: GenerationFingerprint
) -> None:
    """It is kept by later builds until one reads each document in its own again."""
    german = await planned(services, Changes(language="de"), live)
    assert german.language == "de"
    assert german.digest() != live.digest()
    assert await planned(services, Changes(), german) == german
    assert await planned(services, Changes(language="own"), german) == live


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (Changes(chunk_tokens=5_000), "254"),
        (Changes(chunk_tokens=64, overlap_tokens=40), "32"),
        (Changes(language="xx"), "'xx'"),
    ],
)
async def test_what_cannot_be_is_refused(
    services: Services, live: GenerationFingerprint, changes: Changes, named: str
) -> None:
    """With what would be possible, before anything is built."""
    with pytest.raises(InvalidInput, match=named):
        await planned(services, changes, live)


async def test_a_model_that_is_not_there_begins_nothing(
    services: Services, indexer: Indexer
) -> None:
    """Above all no index without vectors; the refusal is in the log."""
    with pytest.raises(ModelUnavailable):
        await indexer.generations.start("books", Order(Changes(model="./nowhere")), ME)
    assert len(await indexer.generations.list("books")) == 1
    entry, _ = await services.ledger.audit.read("books")
    assert (entry.action, entry.outcome) == ("reindex", "failed")


async def test_words_are_read_in_the_language_of_the_generation(
    services: Services, indexer: Indexer
) -> None:
    """German stemming finds what English does not, and marks it, until it is taken back."""
    await indexer.put("books", books(range(3)))
    text = "Die Katzen schlafen auf den Dächern der Häuser."
    await indexer.put("books", [Draft("cat", text, language="en")])
    await indexer.index_pending("books")
    service = SearchService(services)
    ask = SearchRequest(query="katze haus", mode="lexical")
    assert not (await service.search("books", ask)).results
    made = await built(indexer, Order(Changes(language="de")))
    trial = await service.search("books", ask.model_copy(update={"generation": made.id}))
    assert [each.id for each in trial.results] == ["cat"]
    assert trial.generation == made.id
    assert not (await service.search("books", ask)).results
    await indexer.generations.activate("books", made.id, ME)
    (found,) = (await service.search("books", ask)).results
    marked = {text[each.start : each.end] for each in found.passages[0].highlights}
    assert marked == {"Katzen", "Häuser"}
    await indexer.generations.rollback("books", ME)
    assert not (await service.search("books", ask)).results
    with pytest.raises(NotFound):
        await service.search("books", ask.model_copy(update={"generation": "g9999"}))
