"""The filter that Edge runs passes what the reference passes."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.documents import Value
from services.embedded.vectors import EdgeStore
from services.filters import Filter
from services.ports.vectors import VectorIndex
from tests.vectors.examples import generation
from tests.vectors.filtering import DOCUMENTS, FILTERS, METADATA, compare, write_documents


@dataclass(frozen=True, slots=True)
class Bench:
    """One index for every example: each writes newer versions of the same documents."""

    runner: asyncio.Runner
    index: VectorIndex
    versions: Iterator[int]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An empty index and the loop that it lives in."""
    with asyncio.Runner() as runner:
        store = EdgeStore(tmp_path_factory.mktemp("filters"))
        yield Bench(runner, runner.run(store.open(generation())), count(1))
        runner.run(store.close())


@settings(max_examples=60, deadline=None)
@given(
    held=st.lists(METADATA, min_size=1, max_size=DOCUMENTS),
    asked=st.lists(FILTERS, min_size=1, max_size=12),
)
def test_filters_pass_what_the_reference_passes(
    bench: Bench, held: list[Mapping[str, Value]], asked: list[Filter]
) -> None:
    """Any filter of the grammar over any metadata, judged document by document."""

    async def judge() -> None:
        await write_documents(bench.index, held, next(bench.versions))
        await compare(bench.index, held, asked)

    bench.runner.run(judge())
