"""Many writers of the same ids, while the background loop indexes."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.draft import Draft
from indexer.outcomes import Removal
from indexer.service import Indexer
from services.assembly import open_services
from tests.indexer.conftest import settings_in
from tests.indexer.stacks import check_congruent, state_of

IDS = st.sampled_from(["a", "b", "c/d", "é"])
OPERATIONS = st.one_of(
    st.builds(Draft, IDS, st.sampled_from(["Tea", "Coffee", "Tea is hot. " * 150])),
    st.builds(Removal, IDS),
)
WRITERS = st.lists(st.lists(st.lists(OPERATIONS, max_size=4), max_size=4), min_size=1, max_size=5)


async def _race(writers: list[list[list[Draft | Removal]]]) -> None:
    newest: dict[str, int] = {}

    async def work(indexer: Indexer, calls: list[list[Draft | Removal]]) -> None:
        for operations in calls:
            for outcome in await indexer.write("books", operations):
                newest[outcome.id] = max(outcome.version, newest.get(outcome.id, 0))

    with tempfile.TemporaryDirectory() as folder:
        async with open_services(settings_in(Path(folder))) as services:
            async with Indexer(services) as indexer:
                await indexer.create_collection("books", language="en")
                await asyncio.gather(*(work(indexer, calls) for calls in writers))
                await indexer.wait_until_indexed("books", newest, 60)
            assert await indexer.backlog("books") == 0
            state = await state_of(services, "books")
            check_congruent(state)
            records = await services.ledger.documents.read("books", sorted(newest))
            versions = {key: record.version for key, record in records.items()}
            assert versions == {key: version for key, version in newest.items() if version}


@settings(max_examples=5, deadline=None)
@given(WRITERS)
def test_the_newest_version_wins_everywhere(writers: list[list[list[Draft | Removal]]]) -> None:
    """However writes interleave, both engines end with the ledger's newest versions."""
    asyncio.run(_race(writers))
