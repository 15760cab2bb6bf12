"""One generation's vector index on a Qdrant server."""

from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np

from services.candidates import Hit, Holding, IndexedVersion, Run
from services.documents import Chunk, ChunkRef
from services.generations import EncoderFingerprint
from services.points.payload import CHUNK, REFERENCE, chunk_of
from services.points.validation import check_query
from services.ports.lexical import Tombstone
from services.ports.vectors import TokenVectors, VectorEntry, Vectors
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

# How far past the depth equal scores are followed, so that ties are cut by their rule.
_TIES_PER_CALL = 64
_MAX_TIES = 8_192


class QdrantIndex:
    """Implements :class:`services.ports.vectors.VectorIndex`.

    Where the collection has a graph, search is approximate; ``cosine`` and ``max_sim`` are
    always exact.
    """

    def __init__(
        self, engine: Engine, encoder: EncoderFingerprint, preparation: Preparation
    ) -> None:
        self._engine = engine
        self._preparation = preparation
        self._encoder = encoder
        self._records = Records(engine)
        self._dictionary = Dictionary(engine)
        self._writer = Writer(engine, self._records, self._dictionary, encoder)

    async def write(
        self, entries: Sequence[VectorEntry], tombstones: Sequence[Tombstone]
    ) -> Mapping[str, str]:
        """Index and delete as the port says; applied by Qdrant when it returns."""
        await self._preparation.ensure()
        return await self._writer.write(entries, tombstones)

    async def search(self, vector: Vectors, scope: Scope, depth: int) -> Run:
        """The ``depth`` nearest chunks by cosine, ties by document id, then ordinal.

        A zero vector has no direction and finds nothing.

        Raises:
            InvalidInput: the vector is not finite or of another size than the index.
        """
        flat = np.asarray(vector, dtype=np.float32).reshape(-1)
        check_query(flat, self._encoder.dimensions)
        if depth < 1 or not flat.any():
            return []
        await self._preparation.ensure()
        asked = tuple(dictionary_conditions(scope.filter))
        passing = await self._dictionary.passing(asked)
        narrowed = QdrantCompiler(passing).compile(scope)
        ties = _TIES_PER_CALL
        while True:
            limit = depth + ties
            points = await self._engine.nearest(flat.tolist(), TEXT, narrowed, limit, REFERENCE)
            exhausted = len(points) < limit
            if exhausted or points[-1].score < points[depth - 1].score or ties >= _MAX_TIES:
                break
            ties *= 4
        hits = [
            Hit(
                ChunkRef(point.payload["document"], point.payload["ordinal"]),
                point.payload["version"],
                point.score,
            )
            for point in points
            if point.payload
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.ref))[:depth]

    async def cosine(self, vector: Vectors, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, float]:
        """Cosine with these chunks, for as many as are there."""
        flat = np.asarray(vector, dtype=np.float32).reshape(-1)
        check_query(flat, self._encoder.dimensions)
        if not flat.any():
            return {}
        return await self._windowed(flat.tolist(), TEXT, refs)

    async def max_sim(
        self, query_tokens: TokenVectors, refs: Sequence[ChunkRef]
    ) -> Mapping[ChunkRef, float]:
        """MaxSim averaged over the query's tokens, for the chunks that hold tokens."""
        tokens = np.asarray(query_tokens, dtype=np.float32)
        if not self._encoder.token_dimensions or not tokens.size or not refs:
            return {}
        check_query(tokens, self._encoder.token_dimensions)
        sums = await self._windowed(tokens.tolist(), TOKENS, refs)
        return {ref: total / len(tokens) for ref, total in sums.items()}

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

    async def _windowed(
        self, vector: list[float] | list[list[float]], using: str, refs: Sequence[ChunkRef]
    ) -> dict[ChunkRef, float]:
        """The engine's scores of these chunks."""
        await self._preparation.ensure()
        scores: dict[ChunkRef, float] = {}
        for start in range(0, len(refs), _REFS_PER_CALL):
            named = {ref.uuid: ref for ref in refs[start : start + _REFS_PER_CALL]}
            window = compile_window(named)
            points = await self._engine.nearest(vector, using, window, len(named), exact=True)
            scores |= {named[str(point.id)]: point.score for point in points}
        return scores
