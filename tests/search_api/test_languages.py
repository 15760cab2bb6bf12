"""Collections in languages that the models do not read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexer.draft import Draft
from indexer.service import Indexer
from search_api.service import SearchService
from services.assembly import open_services
from services.settings import Settings

from .conftest import Library

GERMAN = [
    Draft("tee", "Grüner Tee zieht zwei Minuten in heißem Wasser.", language="de"),
    Draft("brot", "Der Teig muss gehen, bevor das Brot gebacken wird.", language="de"),
]
ENGLISH = [Draft("tea", "Green tea is steeped in hot water.", language="en")]


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    settings = Settings(
        data_dir=tmp_path, bi_encoder="hashing", cross_encoder="overlap", model_languages=("en",),
        deadline_ms=20_000, _env_file=None,
    )  # fmt: skip
    async with open_services(settings) as services:
        library = Library(services, Indexer(services), SearchService(services))
        await library.indexer.create_collection("default")
        yield library


async def test_a_language_that_the_encoder_does_not_know_is_answered_by_words(
    library: Library,
) -> None:
    """The answer says why; it is what was meant, so it is no degradation."""
    await library.add(*GERMAN)
    answer = await library.search("heißer Tee")
    assert answer.results[0].id == "tee"
    assert answer.degraded == []
    assert "vector" not in [stage.name for stage in answer.stages]
    assert any("knows en, not de" in note for note in answer.notes)


async def test_texts_that_the_encoder_cannot_read_get_no_vectors(library: Library) -> None:
    """In a mixed collection the vectors find the readable ones, words find all."""
    await library.add(*GERMAN, *ENGLISH)
    head = await library.services.ledger.collections.head("default")
    vectors = await library.services.vectors.open(head.live)
    stored = {each.document_id: each.chunks for each in await vectors.versions("", 10)}
    assert {name: count for name, count in stored.items() if count} == {"tea": 1}
    english = await library.search("steeped tea", language="en")
    assert english.results[0].id == "tea"
    assert english.results[0].scored_by == "cross-encoder"
    german = await library.search("Brot Teig", mode="lexical")
    assert german.results[0].id == "brot"


async def test_a_document_that_changes_its_language_loses_its_vectors(library: Library) -> None:
    """The old text must not be found by meaning any more."""
    await library.add(*ENGLISH)
    await library.add(Draft("tea", GERMAN[0].text, language="de"))
    head = await library.services.ledger.collections.head("default")
    vectors = await library.services.vectors.open(head.live)
    assert sum(each.chunks for each in await vectors.versions("", 10)) == 0


async def test_a_short_text_is_analyzed_like_the_texts_around_it(library: Library) -> None:
    """Nobody can tell the language of three words; among English ones they are English."""
    around = [
        Draft(f"n{number}", f"This is a plain English note about the number {number} of things.")
        for number in range(12)
    ]
    await library.add(*around, Draft("short", "File descriptors closed"))
    summaries = await library.services.ledger.documents.summaries("default", ["short"])
    assert summaries["short"].language == "und"
    answer = await library.search("closing descriptor", mode="lexical", rerank="none")
    assert [result.id for result in answer.results] == ["short"]
