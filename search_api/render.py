"""Cuts a page from a frozen list and gives it words."""

from collections.abc import Mapping
from dataclasses import dataclass

from search_api.answer import Explanation, LegExplanation, PassageAnswer, Result, SearchAnswer
from search_api.pages import Continuation
from search_api.passages import passage_answer, read_chunks
from search_api.ranking import Candidate, Item, Ranking
from search_api.retrieval import LEXICAL, VECTOR, Indexes
from search_api.standing import readable_by, stands
from search_api.trace import Trace
from services.assembly import Services
from services.deadlines import Deadline
from services.documents import Chunk, ChunkRef, encode_value
from services.errors import BackendUnavailable
from services.ports.ledger import Summary
from services.rights import Rights


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a frozen list is wanted, by whom, until when."""

    position: int
    size: int
    explain: bool
    rights: Rights
    deadline: Deadline


async def render(
    services: Services, indexes: Indexes, ranking: Ranking, page: PageRequest, trace: Trace
) -> SearchAnswer:
    """Cut one page.

    A document deleted, changed or closed to the caller since the list was frozen is passed
    over; the ranks of the others stay, so pages neither repeat nor skip.
    """
    with trace.stage("passages") as stage:
        items, end, summaries = await _standing_items(services, ranking, page)
        degraded = list(ranking.head.degraded)
        refs = [chunk.ref for _, item in items for chunk in item.chunks]
        chunks: Mapping[ChunkRef, Chunk] = {}
        try:
            chunks = await page.deadline.bound(read_chunks(indexes, refs), "The chunk store")
        except BackendUnavailable:
            degraded.append("passages_unavailable")
        results = [
            _result(rank, item, summaries[item.document_id], chunks, ranking, page.explain)
            for rank, item in items
        ]
        stage.candidates = len(results)
    more = end < len(ranking.items)
    head = ranking.head
    return head.model_copy(
        update={
            "took_ms": trace.took_ms(),
            "degraded": degraded,
            "stages": trace.stages,
            "results": results,
            "next": Continuation(head.search_id, end).encode() if more else None,
        }
    )


async def _standing_items(
    services: Services, ranking: Ranking, page: PageRequest
) -> tuple[list[tuple[int, Item]], int, Mapping[str, Summary]]:
    """Items that may be shown with their ranks, where the page ended, and their summaries."""
    items: list[tuple[int, Item]] = []
    summaries: dict[str, Summary] = {}
    position = page.position
    while len(items) < page.size and position < len(ranking.items):
        batch = ranking.items[position : position + page.size - len(items)]
        ids = list(dict.fromkeys(item.document_id for item in batch))
        work = services.ledger.documents.summaries(ranking.head.collection, ids)
        summaries |= readable_by(page.rights, await page.deadline.bound(work, "The ledger"))
        items += [
            (rank, item)
            for rank, item in enumerate(batch, start=position + 1)
            if stands(item.document_id, item.version, summaries)
        ]
        position += len(batch)
    return items, position, summaries


def _result(
    rank: int,
    item: Item,
    summary: Summary,
    chunks: Mapping[ChunkRef, Chunk],
    ranking: Ranking,
    explain: bool,
) -> Result:
    return Result(
        rank=rank,
        id=item.document_id,
        score=item.score,
        scored_by=item.scored_by,
        title=summary.title,
        url=summary.url,
        language=summary.language,
        metadata={key: encode_value(value) for key, value in summary.metadata.items()},
        passages=_passages(item, summary, chunks, ranking),
        explain=_explain(item, ranking) if explain else None,
    )


def _passages(
    item: Item, summary: Summary, chunks: Mapping[ChunkRef, Chunk], ranking: Ranking
) -> list[PassageAnswer]:
    current = [
        (candidate, chunk)
        for candidate in item.chunks
        if (chunk := chunks.get(candidate.ref)) is not None and chunk.version == item.version
    ]
    return [
        passage_answer(chunk, ranking.words, summary.language, candidate.score)
        for candidate, chunk in current
    ]


def _explain(item: Item, ranking: Ranking) -> Explanation:
    winner = item.chunks[0]
    return Explanation(
        winning_chunk=winner.ref.ordinal,
        lexical=_leg(winner, LEXICAL),
        vector=_leg(winner, VECTOR),
        fused=winner.fused,
        fused_rank=winner.fused_rank,
        cosine=winner.cosine,
        max_sim=winner.max_sim,
        late=winner.late,
        window_rank=winner.window_rank,
        cross_encoder=winner.cross_encoder,
        truncated=winner.truncated,
        aggregation=ranking.aggregation,
        chunks=[chunk.ref.ordinal for chunk in item.chunks],
    )


def _leg(chunk: Candidate, leg: str) -> LegExplanation | None:
    place = chunk.places.get(leg)
    return LegExplanation(rank=place.rank, score=place.score) if place else None
