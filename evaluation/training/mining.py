"""Candidates for training: what the collection's own hybrid retrieval finds for a query.

A reranker reads what BM25, vectors and late interaction put before it, so that is what it
learns to tell apart: the top of the order that all three make, and the top of each.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evaluation.stores import OnProgress
from evaluation.training.groups import Group, Mined
from evaluation.training.guards import Guard
from evaluation.training.judged import Judged, JudgedQuery
from indexer.draft import Draft
from indexer.outcomes import Progress
from indexer.service import Indexer
from search_api.fusion import reciprocal_rank_fusion
from search_api.late import blend
from services.assembly import Services
from services.documents import Chunk, ChunkRef
from services.errors import ModelUnavailable
from services.models.inputs import passage_input
from services.ports.lexical import LexicalIndex
from services.ports.models import Embedder, Passage
from services.ports.vectors import VectorIndex
from services.queries import LexicalQuery, Scope, Words

WINDOW = 300
"""Candidates of the order before the cross-encoder, as a search has them."""

_TOP_OF_ORDER = 30
_TOP_OF_FUSED = 15
_TOP_OF_LEG = 12
# A few from far down, so that the model knows what plainly does not answer.
_DEEP = (40, 60, 90, 150, 250)
_BATCH = 500
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Miner:
    """Searches one corpus; made by :func:`open_miner`."""

    lexical: LexicalIndex
    vectors: VectorIndex
    embedder: Embedder
    titles: Mapping[str, str]
    guard: Guard
    deepest_answer: int

    async def group(self, query: JudgedQuery) -> Group | None:
        """The query's example, or None where retrieval finds no answer or nothing else."""
        order = await self._order(query.text)
        best = _answers(order, query.grades)
        if not best or min(each.rank for each in best.values()) > self.deepest_answer:
            return None
        kept = [
            each
            for each in order
            if each.ref in best
            or (each.worth_keeping and query.grades.get(each.ref.document_id, 0) <= 0)
        ]
        chunks = await self.lexical.read([each.ref for each in kept])
        mined = [
            self._mined(each, chunks[each.ref], query.grades) for each in kept if each.ref in chunks
        ]
        answers = [each for each in mined if (each.grade or 0) > 0]
        others = [each for each in mined if each.grade is None or each.grade <= 0]
        negatives = self.guard.negatives(answers, others) if answers else []
        if not negatives:
            return None
        answers.sort(key=lambda each: each.rank)
        return Group(query.text, query.source, query.weight, (*answers, *negatives))

    async def _order(self, text: str) -> list["_Found"]:
        """The window in the order before the cross-encoder."""
        words = Words(text)
        encoded = await self.embedder.embed_query(text)
        runs = {
            "lexical": await self.lexical.search(LexicalQuery(words), WINDOW),
            "vector": await self.vectors.search(encoded.vectors[0], Scope(), WINDOW),
        }
        fused = reciprocal_rank_fusion(runs)[:WINDOW]
        refs = [each.ref for each in fused]
        cosines = await self.vectors.cosine(encoded.vectors[0], refs)
        max_sims: Mapping[ChunkRef, float] = {}
        if encoded.tokens is not None:
            max_sims = await self.vectors.max_sim(encoded.tokens[0], refs)
        words_found = {hit.ref: hit.score for hit in runs["lexical"]}
        floor = min(words_found.values(), default=0.0)
        priors = blend(
            np.asarray([cosines.get(ref, 0.0) for ref in refs]),
            np.asarray([max_sims.get(ref, 0.0) for ref in refs]),
            np.asarray([words_found.get(ref, floor) for ref in refs]),
        )
        places = sorted(range(len(refs)), key=lambda place: -priors[place])
        legs = [{hit.ref for hit in run[:_TOP_OF_LEG]} for run in runs.values()]
        return [
            _Found(
                ref=refs[place],
                rank=rank,
                prior=float(priors[place]),
                cosine=cosines.get(refs[place], 0.0),
                leading=place < _TOP_OF_FUSED or any(refs[place] in leg for leg in legs),
            )
            for rank, place in enumerate(places, start=1)
        ]

    def _mined(self, found: "_Found", chunk: Chunk, grades: Mapping[str, int]) -> Mined:
        passage = Passage(chunk.text, self.titles.get(chunk.document_id, ""), chunk.heading_path)
        return Mined(
            document=chunk.document_id,
            text=passage_input(passage, self.embedder.encoder.counter),
            grade=grades.get(chunk.document_id),
            prior=round(found.prior, 6) if math.isfinite(found.prior) else 0.0,
            cosine=round(found.cosine, 6),
            rank=found.rank,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """A chunk in the order; ``leading``: among the first of a leg or of their fusion."""

    ref: ChunkRef
    rank: int
    prior: float
    cosine: float
    leading: bool

    @property
    def worth_keeping(self) -> bool:
        return self.leading or self.rank <= _TOP_OF_ORDER or self.rank in _DEEP


def _answers(order: Sequence[_Found], grades: Mapping[str, int]) -> dict[ChunkRef, _Found]:
    """The best chunk of each document that answers: the others may well not."""
    best: dict[str, _Found] = {}
    for found in order:
        if grades.get(found.ref.document_id, 0) > 0:
            best.setdefault(found.ref.document_id, found)
    return {found.ref: found for found in best.values()}


async def mine(
    services: Services,
    judged: Judged,
    guard: Guard,
    deepest_answer: int,
    progress: OnProgress,
) -> list[Group]:
    """Index the corpus, and make a group of every query that has an answer to be found.

    Args:
        deepest_answer: an answer that is found further down is likelier a wrong judgment
            than a hard question.

    Raises:
        ModelUnavailable: there is no bi-encoder to search with.
    """
    if services.embedder is None:
        raise ModelUnavailable(
            f"Mining needs the bi-encoder: {services.missing.get('bi_encoder', 'there is none')}"
        )
    name = f"train-{judged.digest[:16]}"
    await _index(services, name, judged, progress)
    generation = (await services.ledger.collections.head(name)).live
    miner = Miner(
        lexical=await services.lexical.open(generation),
        vectors=await services.vectors.open(generation),
        embedder=services.embedder,
        titles={document.id: document.title for document in judged.documents},
        guard=guard,
        deepest_answer=deepest_answer,
    )
    done = 0
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def one(query: JudgedQuery) -> Group | None:
        nonlocal done
        async with at_once:
            group = await miner.group(query)
        done += 1
        progress(f"Searching {judged.name}", done, len(judged.queries))
        return group

    groups = await asyncio.gather(*(one(query) for query in judged.queries))
    return [group for group in groups if group is not None]


async def _index(services: Services, name: str, judged: Judged, progress: OnProgress) -> None:
    indexer = Indexer(services)
    try:
        await indexer.ensure_collection(name)
        for start in range(0, len(judged.documents), _BATCH):
            batch = judged.documents[start : start + _BATCH]
            await indexer.put(
                name, [Draft(id=each.id, title=each.title, text=each.text) for each in batch]
            )
        await indexer.index_pending(name, partial(_tell, progress, judged.name))
    finally:
        await indexer.close()


def _tell(progress: OnProgress, name: str, state: Progress) -> None:
    progress(f"Indexing {name}", state.documents, state.total)
