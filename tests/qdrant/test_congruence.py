"""Edge and Qdrant give the same chunks in the same order, for any corpus, filter and query."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.candidates import Run
from services.documents import ChunkRef, Value
from services.embedded.vectors import EdgeStore
from services.filters import Filter
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorEntry, VectorIndex
from services.queries import Scope
from services.rights import Rights
from tests.qdrant.stores import LOCAL_MODE, qdrant_store
from tests.vectors.examples import DIMENSIONS, TOKEN_DIMENSIONS, entry, generation, refs
from tests.vectors.filtering import FILTERS, METADATA

pytestmark = [*LOCAL_MODE]

# Engines add up in another order: scores nearer than this are ties.
TIE = 1e-5

PRINCIPALS = st.sampled_from([(), (), ("staff",), ("ann", "staff"), ("*",)])
RIGHTS = st.sampled_from(
    [Rights(), Rights(frozenset()), Rights(frozenset({"staff"})), Rights(frozenset({"*", "ann"}))]
)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    held=st.lists(st.tuples(METADATA, PRINCIPALS), min_size=1, max_size=12),
    asked=st.lists(st.tuples(st.none() | FILTERS, RIGHTS), min_size=1, max_size=8),
)
async def test_the_same_chunks_in_the_same_order(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    held: list[tuple[Mapping[str, Value], tuple[str, ...]]],
    asked: list[tuple[Filter | None, Rights]],
) -> None:
    """Searches at every depth, both windowed scores, the chunks and the versions."""
    random = np.random.default_rng(seed)
    embedded = EdgeStore(tmp_path_factory.mktemp("edge"))
    built = generation(token_dimensions=TOKEN_DIMENSIONS)
    async with qdrant_store() as (store, _):
        first, second = await embedded.open(built), await store.open(built)
        entries = corpus(random, held)
        for index in (first, second):
            await index.write(entries, [])
            await index.write(entries[:1], [Tombstone("1", 2)])
        for tree, rights in asked:
            vector = random.standard_normal(DIMENSIONS).astype(np.float32)
            scope = Scope(tree, rights)
            for depth in (1, 5, 100):
                agree(
                    await first.search(vector, scope, depth),
                    await second.search(vector, scope, depth),
                )
        await agree_on_windows(random, first, second, entries)
    await embedded.close()


def corpus(
    random: np.random.Generator, held: Sequence[tuple[Mapping[str, Value], tuple[str, ...]]]
) -> list[VectorEntry]:
    """A document for each, of up to three chunks in random directions, some twice the same."""
    entries = []
    for number, (metadata, principals) in enumerate(held):
        chunks = int(random.integers(0, 4))
        vectors = random.standard_normal((chunks, DIMENSIONS)).round(1)
        tokens = [
            random.standard_normal((int(random.integers(0, 5)), TOKEN_DIMENSIONS)).astype(
                np.float16
            )
            for _ in range(chunks)
        ]
        entries.append(
            entry(
                f"{number}",
                vectors.tolist(),
                metadata=metadata,
                principals=principals,
                tokens=tokens,
            )
        )
    return entries


def agree(first: Run, second: Run) -> None:
    """As many, of the same scores, in the same order but for ties."""
    assert [hit.score for hit in first] == pytest.approx([hit.score for hit in second], abs=TIE)
    for mine, other in zip(first, second, strict=True):
        if mine.ref != other.ref:
            assert mine.score == pytest.approx(other.score, abs=TIE)
        else:
            assert mine.version == other.version
    if first:
        sure = [hit.ref for hit in first if hit.score > first[-1].score + TIE]
        assert set(sure) <= set(refs(second))


async def agree_on_windows(
    random: np.random.Generator,
    first: VectorIndex,
    second: VectorIndex,
    entries: Sequence[VectorEntry],
) -> None:
    """Cosine, MaxSim, stored tokens, chunks and versions of everything, and of what is not."""
    window = [ChunkRef("absent", 0)]
    window += [chunk.ref for each in entries for chunk in each.chunks]
    vector = random.standard_normal(DIMENSIONS).astype(np.float32)
    tokens = random.standard_normal((3, TOKEN_DIMENSIONS)).astype(np.float16)
    expected = await first.cosine(vector, window)
    assert await second.cosine(vector, window) == pytest.approx(expected, abs=TIE)
    # Local mode keeps float16 as float32.
    expected = await first.max_sim(tokens, window)
    assert await second.max_sim(tokens, window) == pytest.approx(expected, abs=2e-3)
    stored = await first.token_vectors(window)
    assert (await second.token_vectors(window)).keys() == stored.keys()
    assert await second.read(window) == await first.read(window)
    assert await second.versions("", 100) == await first.versions("", 100)
