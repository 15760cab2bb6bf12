"""Reranking over HTTP in the shapes that Cohere's and Jina's clients speak.

https://docs.cohere.com/reference/rerank (v2), https://docs.cohere.com/v1/reference/rerank,
https://jina.ai/reranker (``/v1/rerank``).
"""

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from search_api.text_reranking import RankedTexts, rank_texts
from services.assembly import Services
from services.errors import DeadlineExceeded

MAX_TEXTS = 1_000
DEADLINE_S = 30.0


class Text(BaseModel):
    """A text as an object."""

    text: str


class RerankTextsRequest(BaseModel):
    """What both vendors' clients send; fields that Winnow has no use for are passed over.

    ``model`` is one of them: the answer names the model that scored.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    query: Annotated[str, Field(min_length=1)]
    documents: Annotated[list[str | Text], Field(min_length=1, max_length=MAX_TEXTS)]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = None


class RankedText(BaseModel):
    """One text's place in the request and its relevance, 0 to 1."""

    index: int
    relevance_score: float
    document: Text | None = None


class Version(BaseModel):
    """Which of Cohere's shapes this is."""

    version: str


class Meta(BaseModel):
    """What the caller should know of the answer."""

    api_version: Version
    warnings: list[str] = []


class RerankTextsAnswer(BaseModel):
    """Texts by relevance, best first."""

    id: str
    model: str
    results: list[RankedText]
    meta: Meta


def router(services: Callable[[], Services]) -> APIRouter:
    """The rerank routes.

    Args:
        services: gives the services of this application once it has started.
    """
    routes = APIRouter(tags=["rerank"])
    current = Annotated[Services, Depends(services)]

    @routes.post("/v1/rerank", response_model_exclude_none=True)
    async def rerank_v1(request: RerankTextsRequest, services: current) -> RerankTextsAnswer:
        """Order texts by relevance; texts come back unless ``return_documents`` is false."""
        return await _answer(services, request, "1", shown=request.return_documents is not False)

    @routes.post("/v2/rerank", response_model_exclude_none=True)
    async def rerank_v2(request: RerankTextsRequest, services: current) -> RerankTextsAnswer:
        """Order texts by relevance; texts come back where ``return_documents`` is true."""
        return await _answer(services, request, "2", shown=request.return_documents is True)

    return routes


async def _answer(
    services: Services, request: RerankTextsRequest, version: str, *, shown: bool
) -> RerankTextsAnswer:
    texts = [each if isinstance(each, str) else each.text for each in request.documents]
    ranked = await rank_texts(services, request.query, texts, DEADLINE_S)
    order = ranked.order()
    if not order:
        raise DeadlineExceeded(
            f"Nothing was scored within {DEADLINE_S:g} s: send fewer texts.", retry_after_s=5
        )
    results = [
        RankedText(
            index=place,
            relevance_score=ranked.scores[place] or 0.0,
            document=Text(text=texts[place]) if shown else None,
        )
        for place in order[: request.top_n]
    ]
    return RerankTextsAnswer(
        id=uuid.uuid4().hex,
        model=ranked.model.name,
        results=results,
        meta=Meta(api_version=Version(version=version), warnings=_warnings(ranked, len(texts))),
    )


def _warnings(ranked: RankedTexts, total: int) -> list[str]:
    scored = sum(score is not None for score in ranked.scores)
    warnings = []
    if scored < total:
        warnings.append(f"{total - scored} of {total} texts were not scored in time.")
    if ranked.truncated:
        warnings.append(f"{ranked.truncated} texts were longer than the model reads and were cut.")
    return warnings
