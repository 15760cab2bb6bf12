"""A small real search over texts of our own, in memory: what the page is driven with."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search_api.answer import (
    Explanation,
    FacetCount,
    Highlight,
    LegExplanation,
    ModelUsed,
    PassageAnswer,
    Result,
    SearchAnswer,
    Stage,
    Total,
    Window,
)
from search_api.request import Mode, Rerank, SearchRequest
from services.collections import Collection, values_of
from services.documents import Document, encode_value
from services.errors import (
    BackendUnavailable,
    CollectionNotFound,
    InvalidFilter,
    PageExpired,
)
from services.filters import matches, parse_filter

_WORD = re.compile(r"\w+")


@dataclass
class Shelf:
    """Collections of documents, searched by counting words.

    Attributes:
        pauses_s: how long a query waits for its answer, by query.
        asked: the queries in the order they came in.
        degraded: reasons that every answer gives.
        down: nothing answers.
    """

    collections: Mapping[str, tuple[Collection, Sequence[Document]]]
    pauses_s: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    down: bool = False
    _frozen: dict[str, tuple[SearchRequest, int]] = field(default_factory=dict)

    async def available(self) -> Sequence[Collection]:
        """All collections."""
        return [collection for collection, _ in self.collections.values()]

    async def search(self, name: str, request: SearchRequest) -> SearchAnswer:
        """Documents with at least one of the words, most words first."""
        begun_s = time.perf_counter()
        if self.down:
            raise BackendUnavailable("No index answered: try again shortly.", retry_after_s=7)
        if name not in self.collections:
            raise CollectionNotFound(f"There is no collection named '{name}'.")
        start = 0
        if request.next is not None:
            if request.next not in self._frozen:
                raise PageExpired("This result list has expired: search again for fresh results.")
            request, start = self._frozen[request.next]
        self.asked.append(request.query)
        await asyncio.sleep(self.pauses_s.get(request.query, 0))
        return self._answer(name, request, start, begun_s)

    def _answer(
        self, name: str, request: SearchRequest, start: int, begun_s: float
    ) -> SearchAnswer:
        collection, documents = self.collections[name]
        words = {word.casefold() for word in _WORD.findall(request.query)}
        worded = [each for each in documents if not words or _count(each, words)]
        found = [each for each in worded if self._passes(each, request.filters, collection)]
        found.sort(key=lambda each: (-_count(each, words), each.id))
        if request.sort:
            if request.sort.key not in collection.schema.fields:
                raise InvalidFilter(f"The collection declares no key '{request.sort.key}'.")
            found.sort(
                key=lambda each: str(each.metadata.get(request.sort.key, "")),
                reverse=request.sort.descending,
            )
        page = found[start : start + request.size]
        end = start + len(page)
        following = None
        if end < len(found):
            following = f"list-{len(self._frozen)}"
            self._frozen[following] = (request, end)
        reranked = request.rerank is not Rerank.NONE and bool(words)
        lexical, vector = request.mode is not Mode.VECTOR, request.mode is not Mode.LEXICAL
        stages = ["lexical"] * lexical + ["vector"] * vector + ["fusion"] + ["rerank"] * reranked
        took_ms = (time.perf_counter() - begun_s) * 1_000
        return SearchAnswer(
            search_id="s",
            collection=name,
            generation="g",
            query=request.query,
            mode=request.mode,
            took_ms=took_ms,
            total=Total(value=len(found), relation="eq" if lexical else "gte"),
            reranked=reranked,
            degraded=self.degraded,
            cached=False,
            window=Window(size=20, scored=20, bounded_by="setting", budget_ms=300),
            models={
                "cross_encoder": ModelUsed(
                    name="word-counter", revision="1", device="cpu", precision="fp32"
                )
            },
            stages=[Stage(name=each, ms=took_ms / 3, candidates=len(found)) for each in stages],
            results=[
                _result(rank, each, words, request)
                for rank, each in enumerate(page, start=start + 1)
            ],
            facets=self._facets(worded, collection, request),
            next=following,
        )

    def _facets(
        self, documents: Sequence[Document], collection: Collection, request: SearchRequest
    ) -> dict[str, list[FacetCount]]:
        """Counts of each key without that key's own filter."""
        counted = {}
        for key in request.facets:
            others = [each for each in request.filters or [] if each["key"] != key]
            counter = Counter(
                value
                for each in documents
                if self._passes(each, others, collection)
                for value in values_of(each.metadata.get(key))
            )
            counted[key] = [FacetCount(value=v, count=n) for v, n in counter.most_common()]
        return counted

    @staticmethod
    def _passes(document: Document, filters: object, collection: Collection) -> bool:
        return matches(parse_filter(filters, collection.schema), document.metadata)


def _count(document: Document, words: set[str]) -> int:
    held = {word.casefold() for word in _WORD.findall(f"{document.title} {document.text}")}
    return len(words & held)


def _result(rank: int, document: Document, words: set[str], request: SearchRequest) -> Result:
    marks = [
        Highlight(start=match.start(), end=match.end(), kind="word")
        for match in _WORD.finditer(document.text)
        if match.group().casefold() in words
    ]
    if request.mode is not Mode.LEXICAL and words and not marks:
        marks = [Highlight(start=0, end=document.text.find(".") + 1, kind="meaning")]
    passage = PassageAnswer(
        text=document.text,
        start=0,
        end=len(document.text),
        headings=[heading.text for heading in document.outline],
        highlights=marks,
        score=1.0,
    )
    explain = Explanation(
        winning_chunk=0,
        lexical=LegExplanation(rank=rank, score=9.25 / rank),
        vector=LegExplanation(rank=rank, score=0.71),
        fused=2 / (60 + rank),
        fused_rank=rank,
        window_rank=rank,
        cross_encoder=4.5 - rank,
        truncated=False,
        aggregation="max",
        chunks=[0],
    )
    return Result(
        rank=rank,
        id=document.id,
        score=float(_count(document, words)),
        scored_by="rerank",
        title=document.title,
        url=document.url,
        language=document.language,
        metadata={key: encode_value(value) for key, value in document.metadata.items()},
        passages=[passage],
        explain=explain if request.explain else None,
    )
