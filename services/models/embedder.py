"""The bi-encoder behind an event loop: queries and passages in threads of their own."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from services.concurrency import side_by_side
from services.errors import Overloaded
from services.models.batching import plan_batches
from services.models.inputs import head_tokens
from services.models.lanes import Lanes
from services.ports.models import BiEncoder, Encoded, Passage

CACHED_QUERIES = 1_024
MAX_WAITING_QUERIES = 256
QUERIES_PER_PASS = 16


class InProcessEmbedder:
    """Implements Embedder over a bi-encoder in this process.

    Passages go through the model in small passes, as many at once as it asks for. Queries
    that wait go through it together, and wait for no passage: the operating system gives
    them their share of the processors at once.
    """

    def __init__(self, encoder: BiEncoder, *, cached_queries: int = CACHED_QUERIES) -> None:
        self._encoder = encoder
        self._cached_queries = cached_queries
        self._known: OrderedDict[str, Encoded] = OrderedDict()
        self._knowing = threading.Lock()
        self._queries: Lanes[str] = Lanes("winnow-queries", self._answer, most=QUERIES_PER_PASS)
        self._passes: Lanes[Sequence[Passage]] = Lanes(
            "winnow-passages", self._pass, threads=encoder.passes.at_once
        )

    @property
    def encoder(self) -> BiEncoder:
        """The model behind it."""
        return self._encoder

    async def embed_query(self, query: str) -> Encoded:
        """The vector of one query, [1, dimensions]; cached.

        Raises:
            Overloaded: too many queries wait already.
            BackendUnavailable: the embedder is closed.
        """
        known = self.recall(query)
        if known is not None:
            return known
        if self._queries.waiting >= MAX_WAITING_QUERIES:
            raise Overloaded("Too many queries wait to be embedded.", retry_after_s=1)
        return await self._queries.submit(query)

    def recall(self, query: str) -> Encoded | None:
        """The vector of a query that was embedded not long ago."""
        with self._knowing:
            known = self._known.get(query)
            if known is not None:
                self._known.move_to_end(query)
            return known

    def remember(self, query: str, encoded: Encoded) -> None:
        """Keep the vector of a query, whoever computed it; the oldest leave first."""
        with self._knowing:
            self._known[query] = encoded
            while len(self._known) > self._cached_queries:
                self._known.popitem(last=False)

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages, in passes by token budget.

        Only a pass more than run at once waits at any time, so that callers take turns.
        """
        if not passages:
            return await asyncio.to_thread(self._encoder.encode_passages, passages)
        lengths = await asyncio.to_thread(self._lengths, passages)
        batches = plan_batches(lengths, self._encoder.passes.tokens)
        parts: dict[int, Encoded] = {}
        remaining = iter(enumerate(batches))

        async def take_turns() -> None:
            for place, batch in remaining:
                parts[place] = await self._passes.submit([passages[index] for index in batch])

        turns = min(len(batches), self._encoder.passes.at_once + 1)
        await side_by_side(take_turns() for _ in range(turns))
        return _gather([parts[place] for place in range(len(batches))], batches)

    async def close(self) -> None:
        """Finish the passes that run, refuse the rest, and end the threads."""
        await self._queries.close()
        await self._passes.close()

    def _lengths(self, passages: Sequence[Passage]) -> list[int]:
        counter, limit = self._encoder.counter, self._encoder.card.max_tokens
        lengths = []
        for passage in passages:
            # Counted apart: the chunker has counted just these texts, and remembered it.
            head = head_tokens(passage.title, passage.heading_path, counter, limit)
            lengths.append(min(head + counter.count(passage.text), limit))
        return lengths

    def _pass(self, batches: Sequence[Sequence[Passage]]) -> list[Encoded]:
        return [self._encoder.encode_passages(batch) for batch in batches]

    def _answer(self, queries: Sequence[str]) -> list[Encoded]:
        """Embed several waiting queries in one pass."""
        texts = list(dict.fromkeys(queries))
        encoded = self._encoder.encode_queries(texts)
        answers = {text: _row(encoded, row) for row, text in enumerate(texts)}
        for text, answer in answers.items():
            self.remember(text, answer)
        return [answers[query] for query in queries]


def _row(encoded: Encoded, row: int) -> Encoded:
    return Encoded(
        encoded.vectors[row : row + 1].copy(),
        None if encoded.tokens is None else [encoded.tokens[row]],
        None if encoded.offsets is None else [encoded.offsets[row]],
    )


def _gather(parts: Sequence[Encoded], batches: Sequence[Sequence[int]]) -> Encoded:
    """Put batches back into the order of the passages."""
    order = np.argsort(np.concatenate([np.asarray(batch) for batch in batches]))
    vectors = np.concatenate([part.vectors for part in parts])[order]
    tokens = [row for part in parts for row in part.tokens or ()]
    offsets = [row for part in parts for row in part.offsets or ()]
    if not tokens:
        return Encoded(vectors)
    return Encoded(vectors, [tokens[i] for i in order], [offsets[i] for i in order])
