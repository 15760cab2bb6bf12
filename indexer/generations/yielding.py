"""How a build gives way: in small steps between searches while there are any."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from indexer.cutting import BATCH_CHUNKS
from services.concurrency import side_by_side
from services.ports.ledger import Record
from services.ports.models import BiEncoder, Embedder, Encoded, Passage
from services.usage import Usage

RECENT_S = 2.0
"""Searches are expected for so long after the last one."""

PASSAGES_A_PASS = 4
"""A search that comes meanwhile shares the processors for a pass at most."""

PASSAGES_AT_ONCE = 32
"""Without searches: enough to fill the model's passes, few enough to notice one that comes."""

CALLS_AT_ONCE = 2
"""Without searches: while the last passes of one call run, those of the next do too."""

LONGEST_WAIT_S = 0.25
"""Where searches never end a build goes on after so long all the same."""

CHUNKS_A_BATCH = 16
"""Between searches: what is cut, or written, in little more time than they leave."""


class Courtesy:
    """Lets the searches of this process go before a build's steps."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    @property
    def chunks(self) -> int:
        """Chunks of a batch that is cut now, at least; more are sooner done."""
        return CHUNKS_A_BATCH if self._usage.within(RECENT_S) else BATCH_CHUNKS

    def between(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records, each once no search runs, for a thread that may block."""
        for record in records:
            self._usage.gap_in_thread(LONGEST_WAIT_S)
            yield record

    async def gap(self) -> None:
        """Return once no search runs, or after a while."""
        await self._usage.gap(LONGEST_WAIT_S)


class YieldingEmbedder:
    """Implements Embedder over another one; queries go through untouched."""

    def __init__(self, inner: Embedder, usage: Usage) -> None:
        self._inner = inner
        self._usage = usage

    @property
    def encoder(self) -> BiEncoder:
        """The model behind it."""
        return self._inner.encoder

    async def embed_query(self, query: str) -> Encoded:
        """The vector of one query."""
        return await self._inner.embed_query(query)

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages: all at once where nobody searches, else a few at a time."""
        # Texts of like length share a pass, as in one call for all of them.
        todo = deque(sorted(range(len(passages)), key=lambda index: len(passages[index].text)))
        parts: list[tuple[Sequence[int], Encoded]] = []

        async def embed(*, alone: bool) -> None:
            while todo:
                searched = self._usage.within(RECENT_S)
                if searched and not alone:
                    return
                if searched:
                    await self._usage.gap(LONGEST_WAIT_S)
                size = PASSAGES_A_PASS if searched else PASSAGES_AT_ONCE
                taken = [todo.popleft() for _ in range(min(size, len(todo)))]
                chosen = [passages[index] for index in taken]
                parts.append((taken, await self._inner.embed_passages(chosen)))

        if not todo:
            return await self._inner.embed_passages(passages)
        await side_by_side(embed(alone=call == 0) for call in range(CALLS_AT_ONCE))
        return _in_place(parts)

    async def close(self) -> None:
        """Nothing is held here."""


def _in_place(parts: Sequence[tuple[Sequence[int], Encoded]]) -> Encoded:
    """Put the parts together in the order of the passages."""
    places = np.argsort(np.concatenate([np.asarray(taken) for taken, _ in parts]))
    encoded = [part for _, part in parts]
    vectors = np.concatenate([part.vectors for part in encoded])[places]
    tokens = [row for part in encoded for row in part.tokens or ()]
    offsets = [row for part in encoded for row in part.offsets or ()]
    if not tokens:
        return Encoded(vectors)
    return Encoded(vectors, [tokens[i] for i in places], [offsets[i] for i in places])
