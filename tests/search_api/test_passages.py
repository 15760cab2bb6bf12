"""Reading chunks back."""

from collections.abc import Mapping, Sequence
from typing import Any

from search_api.passages import read_chunks
from search_api.retrieval import Indexes
from services.documents import Chunk, ChunkRef

from .conftest import Library


class CountingIndex:
    """A text index that notes which chunks were read."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.asked: list[ChunkRef] = []

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        self.asked += refs
        found: Mapping[ChunkRef, Chunk] = await self._index.read(refs)
        return found


async def test_a_chunk_is_read_once_a_request(library: Library) -> None:
    """What reranking has read, a page need not; another request reads for itself."""
    tea, coffee, absent = ChunkRef("tea", 0), ChunkRef("coffee", 0), ChunkRef("nothing", 0)
    head = await library.services.ledger.collections.head("default")
    counting = CountingIndex(await library.services.lexical.open(head.live))
    indexes = Indexes(counting, None)  # type: ignore[arg-type]
    assert set(await read_chunks(indexes, [tea])) == {tea}
    assert set(await read_chunks(indexes, [coffee, tea, absent])) == {coffee, tea}
    assert counting.asked == [tea, coffee, absent]
    await read_chunks(Indexes(counting, None), [tea])  # type: ignore[arg-type]
    assert counting.asked == [tea, coffee, absent, tea]
