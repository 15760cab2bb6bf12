"""Pending records of one generation, cut, embedded and written to both engines.

Stages overlap: while a batch is written the next is embedded and the one after it is cut.
A batch is marked in the ledger only when both engines hold it, and every step can be
repeated, so a process may die anywhere and another goes on from the ledger.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from indexer.ahead import ahead
from indexer.cutting import Batch, Cutter
from indexer.embedding import NOTHING, Embedded, embed
from indexer.generations.yielding import Courtesy
from indexer.marking import Mark
from indexer.reusing import Source, find_source, reusable
from indexer.writing import write_batch
from services.assembly import Services
from services.generations import Generation
from services.ports.ledger import DeadLetter, Record
from services.ports.lexical import LexicalIndex
from services.ports.models import Embedder
from services.ports.vectors import VectorIndex
from services.usage import Usage

Checkpoint = Callable[[str], None]
"""Called with a step's name when the step is done: a test ends the process there."""


def no_checkpoint(step: str) -> None:
    """Nothing is to happen there."""


@dataclass(frozen=True, slots=True)
class Written:
    """One batch that is marked: records in both engines, their chunks, the refused."""

    documents: int
    chunks: int
    dead_letters: tuple[DeadLetter, ...]


class Pipeline:
    """Indexes records into one generation, with its own encoder (None: words alone)."""

    def __init__(
        self,
        services: Services,
        generation: Generation,
        embedder: Embedder | None,
        executor: Executor,
        checkpoint: Checkpoint,
        mark: Mark,
        courtesy: Courtesy | None = None,
    ) -> None:
        """``courtesy`` lets searches go first; by default the work waits for nobody."""
        self._services = services
        self._courtesy = courtesy or Courtesy(Usage())
        self._mark = mark
        self._generation = generation
        self._checkpoint = checkpoint
        self._embedder = embedder
        self._cutter = Cutter(generation, embedder.encoder if embedder else None, executor)

    async def index(self, records: Iterable[Record]) -> AsyncGenerator[Written, None]:
        """Index records with distinct ids; yields what each batch did once it is marked.

        Args:
            records: taken one after another, in another thread, as they are needed.

        Raises:
            BackendUnavailable: an engine, the ledger or the encoder failed for now; what
                was not marked stays pending.
        """
        lexical = await self._services.lexical.open(self._generation)
        vectors = None
        if self._embedder is not None:
            vectors = await self._services.vectors.open(self._generation)
        source = await find_source(self._services, self._generation, vectors)
        cut = self._cutter.batches(self._courtesy.between(records), lambda: self._courtesy.chunks)
        embedded = self._embed(ahead(cut), source)
        async with aclosing(ahead(embedded)) as ready:
            async for batch in ready:
                refused = await self._write(batch, lexical, vectors)
                yield await self._settle(batch.batch, refused)

    async def _embed(
        self, batches: AsyncGenerator[Batch, None], source: Source | None
    ) -> AsyncGenerator[Embedded, None]:
        async with aclosing(batches):
            async for batch in batches:
                self._checkpoint("cut")
                known = NOTHING if source is None else await reusable(source, batch.cuts)
                embedded = await embed(batch, self._embedder, known)
                self._checkpoint("embedded")
                yield embedded

    async def _write(
        self, ready: Embedded, lexical: LexicalIndex, vectors: VectorIndex | None
    ) -> Mapping[str, str]:
        tombstones = ready.batch.tombstones
        stores = self._services
        await self._courtesy.gap()
        writes = [
            self._step(
                "lexical",
                write_batch(ready.words, tombstones, lexical.write, stores.lexical.ping),
            )
        ]
        if vectors is not None:
            writes.append(
                self._step(
                    "vectors",
                    write_batch(ready.points, tombstones, vectors.write, stores.vectors.ping),
                )
            )
        # Both are awaited to their end: an error of one engine leaves no write of the other
        # running into the next round.
        refused = dict(ready.batch.refused)
        results = await asyncio.gather(*writes, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
            refused |= result
        return refused

    async def _step(self, name: str, write: Awaitable[Mapping[str, str]]) -> Mapping[str, str]:
        reasons = await write
        self._checkpoint(name)
        return reasons

    async def _settle(self, batch: Batch, refused: Mapping[str, str]) -> Written:
        now = datetime.now(UTC)
        letters = tuple(
            DeadLetter(identifier, batch.versions[identifier], reason, now)
            for identifier, reason in refused.items()
        )
        indexed = {key: version for key, version in batch.versions.items() if key not in refused}
        await self._mark(indexed, letters)
        self._checkpoint("marked")
        chunks = sum(len(cut.chunks) for cut in batch.cuts if cut.document.id in indexed)
        return Written(len(indexed), chunks, letters)
