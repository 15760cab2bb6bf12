"""One generation's vector index on a Qdrant server."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np

from services.candidates import Holding, IndexedVersion, Run
from services.documents import Chunk, ChunkRef
from services.generations import EncoderFingerprint
from services.points.payload import CHUNK, PASSAGE, REFERENCE, chunk_of
from services.points.searching import TIES_PER_CALL, Comparison, PointSearch, cut_cleanly, run_of
from services.points.stored import stored_vectors
from services.ports.lexical import Tombstone
from services.ports.vectors import StoredVectors, TokenVectors, VectorEntry
from services.qdrant.conditions import QdrantCompiler, compile_window, dictionary_conditions
from services.qdrant.dictionary import Dictionary
from services.qdrant.engine import Engine
from services.qdrant.layout import TEXT, TOKENS
from services.qdrant.preparation import Preparation
from services.qdrant.records import Records
from services.qdrant.writer import Writer
from services.queries import Scope

_REFS_PER_CALL = 1_000
_TOKENS_PER_CALL = 32


class QdrantIndex(PointSearch):
    """Implements :class:`services.ports.vectors.VectorIndex`.

    Where the collection has a graph, search is approximate; ``cosine`` and ``max_sim`` are
    always exact.
    """

    def __init__(
        self, engine: Engine, encoder: EncoderFingerprint, preparation: Preparation
    ) -> None:
        self._engine = engine
        self._preparation = preparation
        super().__init__(encoder)
        self._records = Records(engine)
        self._dictionary = Dictionary(engine)
        self._writer = Writer(engine, self._records, self._dictionary, encoder)

    async def write(
        self, entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete as the port says; applied by Qdrant when it returns."""
        await self._preparation.ensure()
        return await self._writer.write(entries, tombstones)

    async def token_vectors(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, TokenVectors]:
        """The stored tokens of these chunks, of as many as hold some."""
        if not self._encoder.token_dimensions:
            return {}
        await self._preparation.ensure()
        found: dict[ChunkRef, TokenVectors] = {}
        for start in range(0, len(refs), _TOKENS_PER_CALL):
            named = {ref.uuid: ref for ref in refs[start : start + _TOKENS_PER_CALL]}
            stored = await self._engine.multivectors(list(named), TOKENS)
            found |= {named[name]: held.astype(np.float16) for name, held in stored.items()}
        return found

    async def passages(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, str]:
        """Which passages these chunks' vectors are of, by digest, for as many as are there."""
        await self._preparation.ensure()
        found: dict[ChunkRef, str] = {}
        for start in range(0, len(refs), _REFS_PER_CALL):
            named = {ref.uuid: ref for ref in refs[start : start + _REFS_PER_CALL]}
            told = await self._engine.retrieve(list(named), [PASSAGE])
            found |= {named[name]: payload.get(PASSAGE, "") for name, payload in told.items()}
        return found

    async def stored(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, StoredVectors]:
        """These chunks' vectors, for as many as are there."""
        await self._preparation.ensure()
        found: dict[ChunkRef, StoredVectors] = {}
        for start in range(0, len(refs), _TOKENS_PER_CALL):
            named = {ref.uuid: ref for ref in refs[start : start + _TOKENS_PER_CALL]}
            for point in await self._engine.points(list(named), [PASSAGE]):
                held = stored_vectors(point.payload, point.vector)
                if held is not None:
                    found[named[str(point.id)]] = held
        return found

    async def read(self, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
        """The chunks as indexed, for as many as are there."""
        await self._preparation.ensure()
        chunks: dict[ChunkRef, Chunk] = {}
        for start in range(0, len(refs), _REFS_PER_CALL):
            names = [ref.uuid for ref in refs[start : start + _REFS_PER_CALL]]
            for payload in (await self._engine.retrieve(names, CHUNK)).values():
                chunk = chunk_of(payload)
                chunks[chunk.ref] = chunk
        return chunks

    async def versions(self, after: str, limit: int) -> Sequence[IndexedVersion]:
        """What is indexed, by document id, from the first id greater than ``after``."""
        await self._preparation.ensure()
        return await self._records.page(after, limit)

    async def inventory(self) -> AsyncIterator[Holding]:
        """What is there, by document id; two passes over the payloads of all points."""
        await self._preparation.ensure()
        held = await self._records.holdings()
        for identifier in sorted(held):
            yield held[identifier]

    async def holdings(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """What is there of these documents."""
        await self._preparation.ensure()
        held: dict[str, Holding] = {}
        for start in range(0, len(ids), _REFS_PER_CALL):
            held |= await self._records.holdings(ids[start : start + _REFS_PER_CALL])
        return held

    async def _nearest(self, vector: list[float], scope: Scope, depth: int) -> Run:
        await self._preparation.ensure()
        asked = tuple(dictionary_conditions(scope.filter))
        passing = await self._dictionary.passing(asked)
        narrowed = QdrantCompiler(passing).compile(scope)
        ties = TIES_PER_CALL
        while True:
            points = await self._engine.nearest(vector, TEXT, narrowed, depth + ties, REFERENCE)
            if cut_cleanly(points, depth, ties):
                return run_of(points, depth)
            ties *= 4

    async def _scores(self, comparisons: Sequence[Comparison]) -> Sequence[dict[ChunkRef, float]]:
        """The engine's scores, for all at once."""
        await self._preparation.ensure()
        return await asyncio.gather(*(self._compared(each) for each in comparisons))

    async def _compared(self, asked: Comparison) -> dict[ChunkRef, float]:
        scores: dict[ChunkRef, float] = {}
        for start in range(0, len(asked.refs), _REFS_PER_CALL):
            named = {ref.uuid: ref for ref in asked.refs[start : start + _REFS_PER_CALL]}
            window = compile_window(named)
            points = await self._engine.nearest(
                asked.query, asked.using, window, len(named), exact=True
            )
            scores |= {named[str(point.id)]: point.score for point in points}
        return scores
