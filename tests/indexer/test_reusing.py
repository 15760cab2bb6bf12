"""What is embedded again when a document changes, and what is not."""

from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from indexer.draft import Draft
from indexer.pipeline import Pipeline, no_checkpoint
from indexer.service import Indexer
from services.assembly import Services, open_services
from services.documents import ChunkRef
from services.generations import Generation, GenerationFingerprint, GenerationState
from services.ports.ledger import DeadLetter
from services.ports.models import BiEncoder, Embedder, Encoded, Passage
from services.ports.vectors import StoredVectors, VectorEntry
from tests.indexer.conftest import settings_in
from tests.indexer.stacks import check_congruent, state_of

SECTIONS = {"Alder": "ash", "Beech": "birch", "Cedar": "cypress", "Elder": "elm"}


@dataclass
class Counting:
    """An embedder that keeps what it was given."""

    inner: Embedder
    passages: list[str] = field(default_factory=list)

    @property
    def encoder(self) -> BiEncoder:
        """The model behind it."""
        return self.inner.encoder

    async def embed_query(self, query: str) -> Encoded:
        """The vector of one query."""
        return await self.inner.embed_query(query)

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages."""
        self.passages += [passage.text for passage in passages]
        return await self.inner.embed_passages(passages)

    async def close(self) -> None:
        """Nothing is held here."""


@dataclass
class Forest:
    """A collection whose indexing tells what it embeds."""

    services: Services
    indexer: Indexer
    live: Generation

    async def put(self, draft: Draft) -> list[str]:
        """Store a document and index what is pending; the texts that were embedded."""
        await self.indexer.put("forest", [draft])
        return await self.index(self.live)

    async def index(self, generation: Generation) -> list[str]:
        """Index what is pending in a generation."""
        assert self.services.embedder is not None
        documents = self.services.ledger.documents
        counting = Counting(self.services.embedder)

        async def mark(indexed: Mapping[str, int], refused: Sequence[DeadLetter]) -> None:
            assert not refused
            await documents.mark(generation, indexed)

        with ThreadPoolExecutor(1) as executor:
            pipeline = Pipeline(self.services, generation, counting, executor, no_checkpoint, mark)
            pending = await documents.pending(generation, 100)
            async for _ in pipeline.index(pending):
                pass
        check_congruent(await state_of(self.services, "forest"))
        return counting.passages

    async def vectors(self) -> Mapping[ChunkRef, StoredVectors]:
        """What the index holds of the first document."""
        index = await self.services.vectors.open(self.live)
        return await index.stored([ChunkRef("trees", ordinal) for ordinal in range(12)])


@pytest.fixture(params=[0, 8])
async def forest(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Forest]:
    """An empty collection, without and with token vectors."""
    settings = settings_in(
        tmp_path, token_dimensions=request.param, chunk_tokens=32, chunk_overlap_tokens=0
    )
    async with open_services(settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection("forest", language="en")
        live = (await services.ledger.collections.head("forest")).live
        assert live.fingerprint.encoder is not None
        assert live.fingerprint.encoder.token_dimensions == request.param
        yield Forest(services, indexer, live)
        await indexer.close()


def trees(sections: Mapping[str, str], **more: object) -> Draft:
    """A document with a heading for each section, which no chunk crosses."""
    text = "".join(
        f"{name} {tree} leaves fall in autumn, one after another, until the {tree} is bare.\n\n"
        for name, tree in sections.items()
    )
    draft = Draft("trees", text, title="Trees", language="en")
    return replace(draft, **more)  # type: ignore[arg-type]


def same(before: Mapping[ChunkRef, StoredVectors], after: Mapping[ChunkRef, StoredVectors]) -> bool:
    """Whether two states are the same to the bit."""
    return before.keys() == after.keys() and all(
        held.vector.tobytes() == after[ref].vector.tobytes()
        and (held.tokens is None or held.tokens.tobytes() == after[ref].tokens.tobytes())  # type: ignore[union-attr]
        for ref, held in before.items()
    )


async def test_other_metadata_and_readers_cost_no_embedding(forest: Forest) -> None:
    """The vectors stay to the bit, the payload is the new one; again and again."""
    assert len(await forest.put(trees(SECTIONS))) >= len(SECTIONS)
    before = await forest.vectors()
    assert before
    for year in range(2020, 2024):
        changed = trees(SECTIONS, metadata={"year": year}, principals=(f"reader-{year}",))
        assert await forest.put(changed) == []
        assert same(before, await forest.vectors())


async def test_an_edit_costs_the_chunks_that_it_touches(forest: Forest) -> None:
    """Also where it moves the others to other places."""
    whole = await forest.put(trees(SECTIONS))
    edited = await forest.put(trees(SECTIONS | {"Cedar": "pine"}))
    assert 0 < len(edited) < len(whole)
    assert all("pine" in text for text in edited)
    before = await forest.vectors()
    shorter = {name: tree for name, tree in SECTIONS.items() if name not in ("Alder", "Cedar")}
    assert await forest.put(trees(shorter)) == []
    moved = await forest.vectors()
    texts = {held.passage: held.vector.tobytes() for held in before.values()}
    assert moved
    assert all(texts[held.passage] == held.vector.tobytes() for held in moved.values())


async def test_another_title_is_another_passage(forest: Forest) -> None:
    """The encoder reads it with every chunk."""
    whole = await forest.put(trees(SECTIONS))
    assert await forest.put(trees(SECTIONS, title="Woods")) == whole


async def test_a_damaged_vector_is_made_anew(forest: Forest) -> None:
    """One without direction is nothing to keep."""
    whole = await forest.put(trees(SECTIONS))
    before = await forest.vectors()
    index = await forest.services.vectors.open(forest.live)
    read = await index.read(list(before))
    record = (await forest.services.ledger.documents.read("forest", ["trees"]))["trees"]
    assert record.document is not None
    broken = np.zeros((len(read), before[ChunkRef("trees", 0)].vector.size), np.float32)
    chunks = [read[ref] for ref in sorted(read)]
    await index.write([VectorEntry(record.document, 2, chunks, broken)], [])
    await forest.indexer.put("forest", [trees(SECTIONS, metadata={"year": 1})])
    await forest.indexer.put("forest", [trees(SECTIONS, metadata={"year": 2})])
    assert await forest.index(forest.live) == whole
    assert same(before, await forest.vectors())


async def begun(forest: Forest, fingerprint: GenerationFingerprint) -> Generation:
    """A build beside the live generation."""
    made = Generation(
        "forest", Generation.new_id(2, fingerprint), fingerprint, GenerationState.BUILDING
    )
    await forest.services.ledger.collections.put_generation(made)
    return made


async def test_a_build_of_the_same_kind_embeds_everything(forest: Forest) -> None:
    """It is what replaces a damaged index."""
    whole = await forest.put(trees(SECTIONS))
    await forest.put(trees(SECTIONS, metadata={"year": 1}))
    made = await begun(forest, forest.live.fingerprint)
    assert await forest.index(made) == whole


async def test_a_build_takes_over_what_its_encoder_made(forest: Forest) -> None:
    """Another language, or another size that leaves a passage as it was, costs no embedding."""
    whole = await forest.put(trees(SECTIONS))
    other = replace(forest.live.fingerprint, language="de")
    made = await begun(forest, other)
    assert await forest.index(made) == []
    index = await forest.services.vectors.open(made)
    before = await forest.vectors()
    assert same(before, await index.stored(list(before)))
    chunker = replace(forest.live.fingerprint.chunker, max_tokens=200)
    wider = await forest.index(await begun(forest, replace(other, chunker=chunker)))
    assert 0 < len(wider) < len(whole)
    assert not set(wider) & set(whole)


async def test_a_build_of_another_encoder_takes_nothing_over(forest: Forest) -> None:
    """Vectors of two encoders never meet, though the passages are the same."""
    whole = await forest.put(trees(SECTIONS))
    encoder = forest.live.fingerprint.encoder
    assert encoder is not None
    other = replace(forest.live.fingerprint, encoder=replace(encoder, revision="other"))
    assert await forest.index(await begun(forest, other)) == whole
