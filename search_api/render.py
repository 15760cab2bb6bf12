"""Cuts a page from a frozen list and gives it words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search_api.answer import Explanation, LegExplanation, PassageAnswer, Result, SearchAnswer
from search_api.ledger_view import LedgerView
from search_api.meaning import mark_meanings
from search_api.pages import Continuation
from search_api.passages import Reading, passage_answer, read_chunks, read_words
from search_api.ranking import Candidate, Item, Ranking
from search_api.retrieval import LEXICAL, VECTOR, Indexes
from search_api.standing import stands
from search_api.trace import Trace
from services.analysis.highlights import Span
from services.deadlines import Deadline
from services.documents import Chunk, ChunkRef, encode_value
from services.errors import BackendUnavailable
from services.ports.ledger import Summary
from services.ports.models import Embedder, Encoded


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a frozen list is wanted, until when.

    Attributes:
        embedder: the generation's encoder, None where it is not to be had.
        encoded: the query's vectors where this request has made them already.
    """

    position: int
    size: int
    explain: bool
    deadline: Deadline
    embedder: Embedder | None
    encoded: Encoded | None = None


async def render(
    indexes: Indexes, view: LedgerView, ranking: Ranking, page: PageRequest, trace: Trace
) -> SearchAnswer:
    """Cut one page.

    A document deleted, changed or closed to the caller since the list was frozen is passed
    over; the ranks of the others stay, so pages neither repeat nor skip.
    """
    with trace.stage("passages") as stage:
        items, end, summaries = await _standing_items(view, ranking, page)
        degraded = list(dict.fromkeys([*ranking.head.degraded, *view.degraded]))
        refs = [chunk.ref for _, item in items for chunk in item.chunks]
        chunks: Mapping[ChunkRef, Chunk] = {}
        try:
            chunks = await page.deadline.bound(read_chunks(indexes, refs), "The chunk store")
        except BackendUnavailable:
            degraded.append("passages_unavailable")
        readings = _readings(items, summaries, chunks, ranking)
        meanings = await mark_meanings(
            page.embedder, indexes, ranking, readings, page.encoded, page.deadline
        )
        shown = {each.chunk.ref: (each, meanings.get(each.chunk.ref, ())) for each in readings}
        results = [
            _result(rank, item, summaries[item.document_id], _passages(item, shown))
            for rank, item in items
        ]
        if page.explain:
            for result, (_, item) in zip(results, items, strict=True):
                result.explain = _explain(item, ranking)
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
    view: LedgerView, ranking: Ranking, page: PageRequest
) -> tuple[list[tuple[int, Item]], int, Mapping[str, Summary]]:
    """Items that may be shown with their ranks, where the page ended, and their summaries."""
    items: list[tuple[int, Item]] = []
    summaries: dict[str, Summary] = {}
    position = page.position
    while len(items) < page.size and position < len(ranking.items):
        batch = ranking.items[position : position + page.size - len(items)]
        ids = list(dict.fromkeys(item.document_id for item in batch))
        summaries |= await view.summaries(ids)
        items += [
            (rank, item)
            for rank, item in enumerate(batch, start=position + 1)
            if stands(item.document_id, item.version, summaries)
        ]
        position += len(batch)
    return items, position, summaries


def _result(rank: int, item: Item, summary: Summary, passages: list[PassageAnswer]) -> Result:
    return Result(
        rank=rank,
        id=item.document_id,
        score=item.score,
        scored_by=item.scored_by,
        title=summary.title,
        url=summary.url,
        language=summary.language,
        metadata={key: encode_value(value) for key, value in summary.metadata.items()},
        passages=passages,
    )


def _readings(
    items: Sequence[tuple[int, Item]],
    summaries: Mapping[str, Summary],
    chunks: Mapping[ChunkRef, Chunk],
    ranking: Ranking,
) -> list[Reading]:
    """The passages of a page that still stand: first the best of each result, then the rest."""
    placed = []
    for _, item in items:
        summary = summaries[item.document_id]
        for place, candidate in enumerate(item.chunks):
            chunk = chunks.get(candidate.ref)
            if chunk is not None and chunk.version == item.version:
                reading = read_words(chunk, ranking.words, summary.title, summary.language)
                placed.append((place, reading))
    placed.sort(key=lambda each: each[0])
    return [reading for _, reading in placed]


def _passages(
    item: Item, shown: Mapping[ChunkRef, tuple[Reading, Sequence[Span]]]
) -> list[PassageAnswer]:
    return [
        passage_answer(*shown[candidate.ref], candidate.score)
        for candidate in item.chunks
        if candidate.ref in shown
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
