"""What every VectorStore does with token vectors: an adapter's test class gives ``store``."""

import numpy as np
import pytest

from services.documents import ChunkRef
from services.ports.vectors import VectorIndex, VectorStore
from tests.vectors.examples import TOKEN_DIMENSIONS, direction, entry, generation, query
from tests.vectors.suite import VectorSuite


class TokenVectorConformance(VectorSuite):
    """Inherited by an adapter's test class, which gives ``store``."""

    @pytest.fixture
    async def token_index(self, store: VectorStore) -> VectorIndex:
        """An empty index with token vectors."""
        return await store.open(generation("tokens", token_dimensions=TOKEN_DIMENSIONS))

    async def test_max_sim_is_the_formula(self, token_index: VectorIndex) -> None:
        """For each query token its best passage token, averaged; chunks without tokens lack."""
        random = np.random.default_rng(7)
        tokens = [
            random.standard_normal((count, TOKEN_DIMENSIONS)).astype(np.float16)
            for count in (1, 5, 30)
        ]
        await token_index.write(
            [
                entry("a", [direction(1.0)] * 3, tokens=tokens),
                entry("bare", [direction(1.0)]),
                entry("empty", [direction(1.0)], tokens=[tokens[0][:0]]),
            ],
            [],
        )
        asked = random.standard_normal((4, TOKEN_DIMENSIONS)).astype(np.float16)
        named = [ChunkRef("a", n) for n in range(3)]
        others = [ChunkRef("bare", 0), ChunkRef("empty", 0), ChunkRef("absent", 0)]
        scores = await token_index.max_sim(asked, [*named, *others, *named])
        expected = {
            ref: (asked.astype(np.float32) @ held.astype(np.float32).T).max(axis=1).mean()
            for ref, held in zip(named, tokens, strict=True)
        }
        assert scores == pytest.approx(expected, abs=2e-3)

    async def test_stored_tokens_are_those_that_were_written(
        self, token_index: VectorIndex
    ) -> None:
        """To the bit, beside the chunk's own vector; None where there are none."""
        random = np.random.default_rng(5)
        tokens = [
            random.standard_normal((count, TOKEN_DIMENSIONS)).astype(np.float16)
            for count in (2, 0, 30)
        ]
        await token_index.write([entry("a", [direction(1.0)] * 3, tokens=tokens)], [])
        held = await token_index.stored([ChunkRef("a", ordinal) for ordinal in range(3)])
        for ordinal in (0, 2):
            stored = held[ChunkRef("a", ordinal)]
            assert stored.tokens is not None
            assert stored.tokens.tobytes() == tokens[ordinal].tobytes()
            assert stored.vector.tolist() == direction(1.0)
        assert held[ChunkRef("a", 1)].tokens is None

    async def test_max_sim_of_a_wide_window(self, token_index: VectorIndex) -> None:
        """Every chunk of a window of hundreds is scored."""
        one = np.ones((1, TOKEN_DIMENSIONS), np.float16)
        await token_index.write(
            [entry(f"{n}", [direction(1.0)], tokens=[one]) for n in range(700)], []
        )
        window = [ChunkRef(f"{n}", 0) for n in range(700)]
        scores = await token_index.max_sim(one, window)
        assert scores == dict.fromkeys(window, pytest.approx(TOKEN_DIMENSIONS))

    async def test_closeness_is_cosine_and_max_sim(self, token_index: VectorIndex) -> None:
        """Asked at once they answer what each answers alone, over more than one call holds."""
        random = np.random.default_rng(13)
        count = 400
        tokens = random.standard_normal((count, 2, TOKEN_DIMENSIONS)).astype(np.float16)
        await token_index.write(
            [entry(f"{n}", [direction(1.0 + n)], tokens=[tokens[n]]) for n in range(count)],
            [],
        )
        asked = random.standard_normal((10, TOKEN_DIMENSIONS)).astype(np.float16)
        refs = [ChunkRef(f"{n}", 0) for n in range(count)]
        near = [*refs[::3], ChunkRef("absent", 0)]
        cosines, sums = await token_index.closeness(query(2.0), near, asked, refs)
        assert cosines == await token_index.cosine(query(2.0), near)
        assert sums == await token_index.max_sim(asked, refs)
        assert len(cosines) == len(refs[::3])
        assert len(sums) == count
        assert await token_index.closeness(query(2.0), [], asked[:0], refs) == ({}, {})

    async def test_max_sim_without_tokens(
        self, index: VectorIndex, token_index: VectorIndex
    ) -> None:
        """An index that keeps none, an empty query and an empty window have no scores."""
        one = np.ones((1, TOKEN_DIMENSIONS), np.float16)
        assert await index.max_sim(one, [ChunkRef("a", 0)]) == {}
        assert await token_index.max_sim(one[:0], [ChunkRef("a", 0)]) == {}
        assert await token_index.max_sim(one, []) == {}

    async def test_stored_tokens_are_read_back(
        self, index: VectorIndex, token_index: VectorIndex
    ) -> None:
        """As they were written, for those that hold some: nothing where none are kept."""
        random = np.random.default_rng(11)
        tokens = [
            random.standard_normal((count, TOKEN_DIMENSIONS)).astype(np.float16)
            for count in (1, 3, 7, 2, 9, 4)
        ]
        bare = entry("bare", [direction(1.0)])
        await token_index.write([entry("a", [direction(1.0)] * 6, tokens=tokens), bare], [])
        named = [ChunkRef("a", n) for n in range(6)]
        found = await token_index.token_vectors(
            [*named, ChunkRef("bare", 0), ChunkRef("absent", 0)]
        )
        assert sorted(found) == named
        for ref, written in zip(named, tokens, strict=True):
            assert found[ref].dtype == np.float16
            assert np.allclose(found[ref], written, atol=1e-3)
        assert await index.token_vectors(named) == {}

    async def test_faulty_tokens_are_refused(self, token_index: VectorIndex) -> None:
        """Of another size, for another number of chunks, or not finite."""
        one = np.ones((1, TOKEN_DIMENSIONS), np.float16)
        refused = await token_index.write(
            [
                entry("wide", [direction(1.0)], tokens=[np.ones((1, 9), np.float16)]),
                entry("few", [direction(1.0)] * 2, tokens=[one]),
                entry("nan", [direction(1.0)], tokens=[one * np.float16("nan")]),
                entry("good", [direction(1.0)], tokens=[one]),
            ],
            [],
        )
        assert set(refused) == {"wide", "few", "nan"}
