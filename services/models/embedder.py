"""The bi-encoder behind an event loop: one thread, queries before passages."""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from services.errors import BackendUnavailable, Overloaded
from services.models.batching import plan_batches
from services.models.inputs import passage_input
from services.ports.models import BiEncoder, Encoded, Passage

CACHED_QUERIES = 1_024
MAX_WAITING_QUERIES = 256
QUERIES_PER_PASS = 16
PASSAGE_PASS_TOKENS = 4_096


@dataclass(frozen=True, slots=True)
class _Query:
    """A query that waits for its vector."""

    text: str
    done: "Future[Encoded]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Passages of one pass that wait for their vectors."""

    passages: Sequence[Passage]
    done: "Future[Encoded]" = field(default_factory=Future)


_Work = TypeVar("_Work", _Query, _Batch)


class InProcessEmbedder:
    """Implements Embedder over a bi-encoder in this process.

    One thread owns the model, which itself uses every core. Passages go through it in
    small batches, and queries that wait are served, together, before the next batch. A
    caller that gives up (a cancelled task) costs nothing once its turn comes.
    """

    def __init__(self, encoder: BiEncoder, *, cached_queries: int = CACHED_QUERIES) -> None:
        self._encoder = encoder
        self._cached_queries = cached_queries
        self._known: OrderedDict[str, Encoded] = OrderedDict()
        self._queries: deque[_Query] = deque()
        self._batches: deque[_Batch] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="winnow-embedder", daemon=True)
        self._thread.start()

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
        with self._change:
            if len(self._queries) >= MAX_WAITING_QUERIES:
                raise Overloaded("Too many queries wait to be embedded.", retry_after_s=1)
        waiting = _Query(query)
        return await self._submit(waiting, self._queries)

    def recall(self, query: str) -> Encoded | None:
        """The vector of a query that was embedded not long ago."""
        with self._change:
            known = self._known.get(query)
            if known is not None:
                self._known.move_to_end(query)
            return known

    def remember(self, query: str, encoded: Encoded) -> None:
        """Keep the vector of a query, whoever computed it; the oldest leave first."""
        with self._change:
            self._known[query] = encoded
            while len(self._known) > self._cached_queries:
                self._known.popitem(last=False)

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages, in batches by token budget."""
        if not passages:
            return await asyncio.to_thread(self._encoder.encode_passages, passages)
        lengths = await asyncio.to_thread(self._lengths, passages)
        batches = plan_batches(lengths, PASSAGE_PASS_TOKENS)
        parts: list[Encoded] = []
        for batch in batches:
            chosen = [passages[index] for index in batch]
            parts.append(await self._submit(_Batch(chosen), self._batches))
        return _gather(parts, batches)

    async def close(self) -> None:
        """Finish the pass that runs, refuse the rest, and end the thread."""
        with self._change:
            self._closed = True
            refused = [query.done for query in self._queries]
            refused += [batch.done for batch in self._batches]
            self._queries.clear()
            self._batches.clear()
            self._change.notify()
        for done in refused:
            if done.set_running_or_notify_cancel():
                done.set_exception(BackendUnavailable("The embedder is closed."))
        await asyncio.to_thread(self._thread.join)

    def _lengths(self, passages: Sequence[Passage]) -> list[int]:
        encoder = self._encoder
        limit = encoder.card.max_tokens
        texts = (passage_input(passage, encoder.counter, limit) for passage in passages)
        return [min(encoder.counter.count(text), limit) for text in texts]

    async def _submit(self, work: _Work, queue: deque[_Work]) -> Encoded:
        with self._change:
            if self._closed:
                raise BackendUnavailable("The embedder is closed.")
            queue.append(work)
            self._change.notify()
        return await asyncio.wrap_future(work.done)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._queries or self._batches)
                if self._closed:
                    return
                count = min(QUERIES_PER_PASS, len(self._queries))
                queries = [self._queries.popleft() for _ in range(count)]
                batch = None if queries else self._batches.popleft()
            if batch is None:
                self._answer([query for query in queries if _wanted(query)])
            elif _wanted(batch):
                self._encode(batch)

    def _encode(self, batch: _Batch) -> None:
        try:
            batch.done.set_result(self._encoder.encode_passages(batch.passages))
        except Exception as error:  # noqa: BLE001  # whoever awaits it shall see it
            batch.done.set_exception(error)

    def _answer(self, queries: Sequence[_Query]) -> None:
        """Embed several waiting queries in one pass."""
        texts = list(dict.fromkeys(query.text for query in queries))
        if not texts:
            return
        try:
            encoded = self._encoder.encode_queries(texts)
        except Exception as error:  # noqa: BLE001  # whoever awaits it shall see it
            for query in queries:
                query.done.set_exception(error)
            return
        answers = {text: _row(encoded, row) for row, text in enumerate(texts)}
        for text, encoded_query in answers.items():
            self.remember(text, encoded_query)
        for query in queries:
            query.done.set_result(answers[query.text])


def _wanted(work: _Query | _Batch) -> bool:
    """Whether somebody still waits for it; from now on it cannot be cancelled."""
    return work.done.set_running_or_notify_cancel()


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
