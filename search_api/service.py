"""Search as one call: what HTTP, the command line, the page and Python all use."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from search_api.answer import SearchAnswer
from search_api.encoders import QueryEncoder, query_encoder
from search_api.ledger_memory import LedgerMemory
from search_api.ledger_view import LedgerView
from search_api.pages import Continuation, RankingStore
from search_api.pipeline import rank
from search_api.plan import Plan, make_plan
from search_api.render import PageRequest, render
from search_api.request import Mode, SearchRequest
from search_api.result_cache import CacheKey, ResultCache, cache_key
from search_api.retrieval import Indexes
from search_api.trace import Trace
from services.assembly import Services
from services.deadlines import Deadline
from services.errors import NotFound, PageExpired
from services.generations import Generation, Head
from services.metrics import DEGRADED_ANSWERS, SEARCH_STAGE_SECONDS
from services.rights import EVERYTHING, Rights


class SearchService:
    """Answers searches over the stores it is given."""

    def __init__(self, services: Services, *, key: CacheKey = cache_key) -> None:
        """``key`` says under which key answers are cached."""
        self._key = key
        settings = services.settings
        self._services = services
        self._rankings = RankingStore(services.cache, settings.page_ttl_s)
        # An answer found in the cache still leads to its later pages for half their life.
        self._results = ResultCache(
            services.cache, min(settings.cache_ttl_s, settings.page_ttl_s / 2)
        )
        self._memory = LedgerMemory()

    async def search(
        self, collection: str, request: SearchRequest, rights: Rights = EVERYTHING
    ) -> SearchAnswer:
        """Search a collection, or continue a frozen list with ``request.next``.

        Raises:
            InvalidInput: the request cannot be answered as it is; says what to change.
            CollectionNotFound: there is no such collection.
            PageExpired: the frozen list is gone.
            BackendUnavailable: no index answered in time, or not the ledger and nothing of
                it is remembered.
        """
        trace = Trace()
        view = self._view(collection, request, rights)
        if request.next is not None:
            return await self._continue(collection, request, view, trace)
        plan, head = await self._plan(request, view)
        if view.degraded:  # which epoch it is nobody knows: no answer of an epoch is one to this
            answer = await self._search(plan, view, trace)
        else:
            key = self._key(collection, head, rights, self._fingerprints(plan), request)
            answer = await self._results.answer(key, lambda: self._search(plan, view, trace))
        answer.took_ms = trace.took_ms()
        return answer

    def _view(self, collection: str, request: SearchRequest, rights: Rights) -> LedgerView:
        """The deadline begins here, before anything is asked."""
        deadline_ms = request.deadline_ms or self._services.settings.deadline_ms
        deadline = Deadline.after(deadline_ms / 1_000)
        return LedgerView(self._services.ledger, self._memory, collection, rights, deadline)

    async def _plan(self, request: SearchRequest, view: LedgerView) -> tuple[Plan, Head]:
        """Resolve the collection, its live generation and the request, once for all stages."""
        known = await view.collection()
        if request.generation:
            chosen = await self._chosen(request.generation, view)
            known = replace(known, head=replace(known.head, live=chosen))
        view.language = known.head.live.fingerprint.language
        encoder = await self._encoder(known.head.live, request)
        plan = make_plan(self._services, known, request, view.rights, encoder, view.deadline)
        return plan, known.head

    async def _chosen(self, identifier: str, view: LedgerView) -> Generation:
        """The kept generation that a request names, or NotFound."""
        generation = await view.generation(identifier)
        if generation is None:
            raise NotFound(f"The collection keeps no generation {identifier!r}.")
        generation.check_kept()
        return generation

    async def _encoder(self, generation: Generation, request: SearchRequest) -> QueryEncoder:
        """The generation's own; a search by words alone does not wait for one."""
        if request.mode is Mode.LEXICAL:
            return QueryEncoder(None)
        deadline_ms = request.deadline_ms or self._services.settings.deadline_ms
        return await query_encoder(self._services, generation, deadline_ms / 1_000)

    async def _search(self, plan: Plan, view: LedgerView, trace: Trace) -> SearchAnswer:
        with self._services.usage.on(plan.generation):
            return await self._run(plan, view, trace)

    async def _run(self, plan: Plan, view: LedgerView, trace: Trace) -> SearchAnswer:
        indexes = await self._open(plan.generation, view.deadline)
        ranking, encoded = await rank(self._services, indexes, view, plan, trace)
        request = plan.request
        page = PageRequest(0, request.size, request.explain, plan.deadline, plan.embedder, encoded)
        # The list is kept before the answer that leads to its next page leaves, and while the
        # passages are on their way.
        answer, _ = await asyncio.gather(
            render(indexes, view, ranking, page, trace), self._rankings.keep(ranking)
        )
        _count(answer)
        return answer

    async def _continue(
        self, collection: str, request: SearchRequest, view: LedgerView, trace: Trace
    ) -> SearchAnswer:
        continuation = Continuation.decode(request.next or "")
        ranking = await self._rankings.find(continuation.search_id, collection, view.rights.key())
        generation = await view.generation(ranking.head.generation)
        if generation is None:
            raise PageExpired("The index behind this result list is gone: search again.")
        view.language = generation.fingerprint.language
        encoder = await self._encoder(generation, request)
        page = PageRequest(
            continuation.position, request.size, request.explain, view.deadline, encoder.embedder
        )
        with self._services.usage.on(generation):
            indexes = await self._open(generation, view.deadline)
            return await render(indexes, view, ranking, page, trace)

    async def _open(self, generation: Generation, deadline: Deadline) -> Indexes:
        opening = self._services.lexical.open(generation)
        lexical = await deadline.bound(opening, "The text index")
        if generation.fingerprint.encoder is None:
            return Indexes(lexical, None)
        return Indexes(lexical, await self._services.vectors.open(generation))

    def _fingerprints(self, plan: Plan) -> Mapping[str, str]:
        """What stands for the models and choices of this answer in a cache key."""
        services = self._services
        models = {"settings": services.settings.ranking_digest()}
        if plan.embedder is not None:
            models["bi_encoder"] = repr(plan.embedder.encoder.fingerprint)
        if services.reranker is not None:
            models["cross_encoder"] = repr(replace(services.reranker.card, device=""))
        return models


def _count(answer: SearchAnswer) -> None:
    for stage in answer.stages:
        SEARCH_STAGE_SECONDS.labels(stage.name).observe(stage.ms / 1_000)
    for reason in answer.degraded:
        DEGRADED_ANSWERS.labels(reason).inc()
