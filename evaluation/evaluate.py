"""Measures a judged collection through the search that users get."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.collections import JudgedCollection, read_collection
from evaluation.measures import measure, percentile_ms
from evaluation.opening import open_forgetful
from evaluation.report import Report, SystemReport
from evaluation.runs import write_run
from evaluation.stores import (
    OnProgress,
    Stored,
    ensure_indexed,
    evaluation_settings,
    share_model_notes,
)
from evaluation.systems import SYSTEMS, System
from search_api.answer import SearchAnswer
from search_api.request import Rerank, SearchRequest
from search_api.service import SearchService
from services.assembly import Services
from services.errors import ModelUnavailable
from services.settings import Settings

DEPTH = 100
"""Results taken of each list: as deep as the deepest measure looks."""

_SHAPING = (
    "depth",
    "rrf_k",
    "lexical_weight",
    "vector_weight",
    "rerank_window",
    "max_chunks_per_document",
    "aggregation",
    "aggregation_best",
    "prior_weight",
)


def _silent(_activity: str, _done: int, _total: int) -> None:
    """The progress of a caller who wants none."""


async def evaluate(
    settings: Settings,
    folder: Path,
    *,
    split: str = "test",
    queries: int | None = None,
    runs: Path | None = None,
    progress: OnProgress = _silent,
    systems: Sequence[System] = SYSTEMS,
) -> Report:
    """Index a judged collection where it is not indexed yet, and measure systems on it.

    Searches run one at a time. What is timed is what a user waits for, the first page; the
    rest of the list, for recall, is fetched as its second page.

    Args:
        settings: the user's; stores lie under their data directory, in ``evaluation``.
        folder: BEIR layout.
        split: which judgments to take.
        queries: take the first so many judged queries.
        runs: write ``<collection>.<system>.trec`` there.
        progress: called while it works.
        systems: what to compare.

    Raises:
        InvalidInput: the folder is not a judged collection, with file and line.
    """
    collection = read_collection(folder, split, queries)
    own = evaluation_settings(settings, collection)
    share_model_notes(settings, own)
    async with open_forgetful(own) as services:
        stored = await ensure_indexed(services, collection, progress)
        service = SearchService(services)
        done: dict[str, _Answers | None] = {}
        for system in systems:
            done[system.name] = await _run(system, collection, services, service, stored, progress)
        shaping = _shaping(services, stored, split)
    if runs is not None:
        for name, answers in done.items():
            if answers is not None:
                path = runs / f"{collection.name}.{name}.trec"
                write_run(path, answers.lists, f"winnow-{name}")
    return Report(
        collection=collection.name,
        documents=stored.documents,
        chunks=stored.chunks,
        queries=len(collection.queries),
        settings=shaping,
        systems={
            name: None if answers is None else answers.report(collection)
            for name, answers in done.items()
        },
        notes=(*_refusals(stored), *_notes(done)),
    )


@dataclass(slots=True)
class _Answers:
    """What one system answered, query by query."""

    lists: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    reranked: int = 0
    remarks: Counter[str] = field(default_factory=Counter)

    def add(self, query: str, answer: SearchAnswer, more: SearchAnswer | None) -> None:
        """Take in one answer: its first page, which was timed, and the rest of the list."""
        pages = (answer, more) if more else (answer,)
        self.lists[query] = [result.id for page in pages for result in page.results]
        self.reranked += answer.reranked
        self.remarks.update((*answer.degraded, *answer.notes))

    def report(self, collection: JudgedCollection) -> SystemReport:
        """The figures."""
        return SystemReport(
            measure(collection.judgments, self.lists),
            percentile_ms(self.seconds, 50),
            percentile_ms(self.seconds, 95),
        )


async def _run(
    system: System,
    collection: JudgedCollection,
    services: Services,
    service: SearchService,
    stored: Stored,
    progress: OnProgress,
) -> _Answers | None:
    """Answers to every query; None where a stage that makes the system is missing."""
    if _missing(system, services, stored):
        return None
    answers = _Answers()
    for done, (query, text) in enumerate(collection.queries.items(), start=1):
        started = time.perf_counter()
        try:
            first = await service.search(stored.collection, system.request(text))
        except ModelUnavailable as error:
            answers.remarks[error.detail] += 1
        else:
            answers.seconds.append(time.perf_counter() - started)
            answers.add(query, first, await _rest(service, stored.collection, first))
        progress(f"Searching: {system.name}", done, len(collection.queries))
    never_reranked = system.rerank is not Rerank.NONE and not answers.reranked
    return None if never_reranked or not answers.lists else answers


async def _rest(
    service: SearchService, collection: str, first: SearchAnswer
) -> SearchAnswer | None:
    """The frozen list from where its first page ends up to :data:`DEPTH`."""
    if first.next is None:
        return None
    wanted = DEPTH - len(first.results)
    return await service.search(collection, SearchRequest(next=first.next, size=wanted))


def _missing(system: System, services: Services, stored: Stored) -> bool:
    encoder = stored.generation.fingerprint.encoder
    if system.rerank is Rerank.LATE and (encoder is None or not encoder.token_dimensions):
        return True
    if system.rerank is Rerank.CROSS_ENCODER and services.reranker is None:
        return True
    return system.reads_vectors and services.embedder is None


def _shaping(services: Services, stored: Stored, split: str) -> dict[str, object]:
    """The settings and models that these figures hold for."""
    chosen = services.settings.model_dump(include=set(_SHAPING))
    built_with = stored.generation.fingerprint
    embedder, reranker = services.embedder, services.reranker
    return {
        "split": split,
        "bi_encoder": embedder and embedder.encoder.card.name,
        "cross_encoder": reranker and reranker.card.name,
        "chunk_tokens": built_with.chunker.max_tokens,
        "chunk_overlap_tokens": built_with.chunker.overlap_tokens,
        "analyzers": built_with.analyzers,
        **{name: chosen[name] for name in _SHAPING},
    }


def _refusals(stored: Stored) -> list[str]:
    if not stored.refused:
        return []
    return [f"{len(stored.refused)} documents were not indexed, such as {stored.refused[0]}"]


def _notes(done: dict[str, _Answers | None]) -> list[str]:
    return [
        f"{name}: {remark} ({count} queries)"
        for name, answers in done.items()
        if answers is not None
        for remark, count in sorted(answers.remarks.items())
    ]
