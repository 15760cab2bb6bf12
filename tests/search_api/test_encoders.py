"""Each generation is searched with the encoder that it was built with, or by words alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.service import Indexer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services, open_services
from services.documents import Chunk, Document
from services.errors import ModelUnavailable
from services.generations import Generation, GenerationState
from services.models.hashing import HashingBiEncoder
from services.ports.lexical import LexicalEntry
from services.settings import Settings

from .conftest import LIBRARY

REQUEST = SearchRequest(query="hot coffee", explain=True)


def settings_in(path: Path, bi_encoder: str) -> Settings:
    return Settings(
        data_dir=path, bi_encoder=bi_encoder, cross_encoder="", deadline_ms=20_000, hub=False,
        token_dimensions=8, _env_file=None,
    )  # fmt: skip


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """A library that was indexed with ``hashing-32``, then opened with ``hashing`` configured."""
    async with open_services(settings_in(tmp_path, "hashing-32")) as opened:
        indexer = Indexer(opened)
        await indexer.create_collection("default", language="en")
        await indexer.put("default", LIBRARY)
        await indexer.index_pending("default")
        await indexer.close()
    async with open_services(settings_in(tmp_path, "hashing")) as opened:
        yield opened


async def activate(services: Services, generation: Generation) -> None:
    """Point to a generation."""
    head = await services.ledger.collections.head("default")
    await services.ledger.collections.activate(generation, head.revision)


async def of_encoder(services: Services, identifier: str, encoder: HashingBiEncoder) -> Generation:
    """A new generation like the live one, with another encoder."""
    live = (await services.ledger.collections.head("default")).live
    fingerprint = replace(live.fingerprint, encoder=encoder.fingerprint)
    return Generation("default", identifier, fingerprint, GenerationState.BUILDING)


async def test_a_generation_answers_with_its_own_model_whatever_is_configured(
    services: Services,
) -> None:
    """Retrieval, late interaction and marks by meaning use it, and the answer names it."""
    answer = await SearchService(services).search("default", REQUEST)
    assert not answer.degraded
    assert answer.models["bi_encoder"].name == "hashing-32"
    assert answer.models["late_interaction"].name == "hashing-32"
    assert any(result.explain and result.explain.vector for result in answer.results)


async def test_a_generation_is_written_with_its_own_model(services: Services) -> None:
    """A change of the setting does not stop the documents of collections that are there."""
    indexer = Indexer(services)
    await indexer.put("default", LIBRARY[:1])
    await indexer.delete("default", ["coffee"])
    await indexer.index_pending("default")
    assert not await indexer.backlog("default")
    await indexer.create_collection("fresh")
    head = await services.ledger.collections.head("fresh")
    assert head.live.fingerprint.encoder is not None
    assert head.live.fingerprint.encoder.model == "hashing"
    await indexer.close()


async def test_after_a_switch_the_other_model_answers_and_no_cached_answer_of_the_first(
    services: Services,
) -> None:
    """Models of one shape whose vectors mean nothing to each other, in one process."""
    searcher, indexer = SearchService(services), Indexer(services)
    old = (await services.ledger.collections.head("default")).live
    new = await of_encoder(services, "g2", HashingBiEncoder("hashing-32-7", token_dimensions=8))
    await services.ledger.collections.put_generation(new)
    await indexer.index_pending("default")
    first = await searcher.search("default", REQUEST)
    assert (await searcher.search("default", REQUEST)).cached
    await activate(services, new)
    second = await searcher.search("default", REQUEST)
    assert not second.cached
    assert second.models["bi_encoder"].name == "hashing-32-7"
    assert second.generation == "g2"
    assert not second.degraded
    assert (await searcher.search("default", REQUEST)).cached
    await activate(services, old)
    again = await searcher.search("default", REQUEST)
    assert again.models["bi_encoder"].name == "hashing-32"
    assert [each.id for each in again.results] == [each.id for each in first.results]
    await indexer.close()


@pytest.mark.parametrize("change", [{"revision": "corrupted"}, {"model": "nobody/nothing"}])
async def test_vectors_of_another_model_are_never_searched(
    services: Services, change: dict[str, str]
) -> None:
    """Words alone answer, say why, and the answer is not cached; documents wait."""
    live = (await services.ledger.collections.head("default")).live
    assert live.fingerprint.encoder is not None
    fingerprint = replace(live.fingerprint, encoder=replace(live.fingerprint.encoder, **change))
    other = Generation("default", "g2", fingerprint, GenerationState.BUILDING)
    await services.ledger.collections.put_generation(other)
    await activate(services, other)
    lexical = await services.lexical.open(other)
    entries = [
        LexicalEntry(record.document, record.version, (chunk_of(record.document),))
        for record in (await services.ledger.documents.read("default", ["tea", "iced"])).values()
        if record.document
    ]
    await lexical.write(entries, ())
    searcher = SearchService(services)
    for _ in range(2):
        answer = await searcher.search("default", REQUEST)
        assert answer.degraded == ["encoder_mismatch"]
        assert not answer.cached
        assert "bi_encoder" not in answer.models
        assert {each.id for each in answer.results} == {"tea", "iced"}
    with pytest.raises(ModelUnavailable, match="encoder_mismatch"):
        await searcher.search("default", SearchRequest(query="hot", mode="vector"))
    words = await searcher.search("default", SearchRequest(query="hot", mode="lexical"))
    assert not words.degraded
    indexer = Indexer(services)
    with pytest.raises(ModelUnavailable, match="waits for its encoder"):
        await indexer.index_pending("default")
    await indexer.close()


def chunk_of(document: Document) -> Chunk:
    """A document as its one chunk."""
    return Chunk(document.id, 0, 0, len(document.text), document.text, version=1)
