"""The filter that Qdrant runs passes what the reference passes."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from services.documents import Value
from services.filters import Filter
from tests.qdrant.stores import LOCAL_MODE, qdrant_store
from tests.vectors.examples import generation
from tests.vectors.filtering import DOCUMENTS, FILTERS, METADATA, compare, write_documents

pytestmark = [*LOCAL_MODE]


@settings(max_examples=40, deadline=None)
@given(
    held=st.lists(METADATA, min_size=1, max_size=DOCUMENTS),
    asked=st.lists(FILTERS, min_size=1, max_size=12),
)
async def test_filters_pass_what_the_reference_passes(
    held: list[Mapping[str, Value]], asked: list[Filter]
) -> None:
    """Any filter of the grammar over any metadata, judged document by document."""
    async with qdrant_store() as (store, _):
        index = await store.open(generation())
        await write_documents(index, held, 1)
        await compare(index, held, asked)
