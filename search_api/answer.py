"""What a search answers: the same from HTTP, ``--json`` and Python."""

from typing import Any, Literal

from pydantic import BaseModel


class Highlight(BaseModel):
    """A span of a passage that matched, in code points of the passage's text."""

    start: int
    end: int
    kind: Literal["word", "meaning"]


class PassageAnswer(BaseModel):
    """A chunk: ``text`` is plain; ``start`` and ``end`` are offsets into the document's text."""

    text: str
    start: int
    end: int
    headings: list[str]
    highlights: list[Highlight]
    score: float


class LegExplanation(BaseModel):
    """Where one leg found the winning chunk: rank from 1, the engine's own score."""

    rank: int
    score: float


class Explanation(BaseModel):
    """Why a result stands where it stands; scores are those of its winning chunk.

    Attributes:
        winning_chunk: ordinal of the chunk that made the document's score.
        late: the blend of late interaction, of ``cosine``, ``max_sim`` and BM25.
        cross_encoder: float32 logit, None where it was not scored.
        truncated: the cross-encoder did not read the whole chunk.
        window_rank: place in the reranking window from 1, None outside it.
    """

    winning_chunk: int | None = None
    lexical: LegExplanation | None = None
    vector: LegExplanation | None = None
    fused: float | None = None
    fused_rank: int | None = None
    cosine: float | None = None
    max_sim: float | None = None
    late: float | None = None
    window_rank: int | None = None
    cross_encoder: float | None = None
    truncated: bool | None = None
    aggregation: str | None = None
    chunks: list[int] = []


class Result(BaseModel):
    """One result; ``rank`` counts from 1 over all pages.

    ``score`` is that of the last stage that ordered the result, which ``scored_by`` names;
    scores of different stages are not comparable.
    """

    rank: int
    id: str
    score: float
    scored_by: str
    title: str
    url: str
    language: str
    metadata: dict[str, Any]
    passages: list[PassageAnswer]
    explain: Explanation | None = None


class Total(BaseModel):
    """How many documents match the words and the filters; ``gte``: at least that many."""

    value: int
    relation: Literal["eq", "gte"]


class Stage(BaseModel):
    """One stage of the search: its time and how many candidates left it."""

    name: str
    ms: float
    candidates: int


class ModelUsed(BaseModel):
    """A model that took part."""

    name: str
    revision: str
    device: str
    precision: str
    worker: str = ""


class Window(BaseModel):
    """The reranking window: its size, how much of it was scored, and what bounded it.

    ``bounded_by`` is one of ``setting``, ``budget``, ``candidates``; ``deadline`` where scoring
    stopped before its end. ``compute_ms`` is the time of the model passes that it took part in,
    ``queue_ms`` that of waiting for the first, way to a worker and back included.
    """

    size: int
    scored: int
    bounded_by: str
    budget_ms: int
    compute_ms: float = 0.0
    queue_ms: float = 0.0


class FacetCount(BaseModel):
    """A facet's value and how many documents hold it."""

    value: Any
    count: int


class SearchAnswer(BaseModel):
    """The answer to a search.

    Attributes:
        reranked: whether a cross-encoder or late interaction ordered the window.
        degraded: why the answer is less than was asked for; empty when it is not.
        notes: what the user may want to know besides, such as a leg left out on purpose.
        next: continues this frozen list; None at its end.
    """

    search_id: str
    collection: str
    generation: str
    query: str
    mode: str
    took_ms: float
    total: Total
    reranked: bool
    degraded: list[str]
    notes: list[str] = []
    cached: bool
    window: Window | None
    models: dict[str, ModelUsed]
    stages: list[Stage]
    results: list[Result]
    facets: dict[str, list[FacetCount]]
    next: str | None
