"""Search as one call: what HTTP, the command line, the page and Python all use."""

from collections.abc import Mapping
from dataclasses import replace

from search_api.answer import SearchAnswer
from search_api.pages import Continuation, RankingStore
from search_api.pipeline import rank
from search_api.plan import Plan, make_plan
from search_api.render import PageRequest, render
from search_api.request import SearchRequest
from search_api.result_cache import ResultCache, cache_key
from search_api.retrieval import Indexes
from search_api.trace import Trace
from services.assembly import Services
from services.deadlines import Deadline
from services.errors import PageExpired
from services.generations import Generation, Head
from services.metrics import DEGRADED_ANSWERS, SEARCH_STAGE_SECONDS
from services.rights import EVERYTHING, Rights


class SearchService:
    """Answers searches over the stores it is given."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._services = services
        self._rankings = RankingStore(services.cache, settings.page_ttl_s)
        # An answer found in the cache still leads to its later pages for half their life.
        self._results = ResultCache(
            services.cache, min(settings.cache_ttl_s, settings.page_ttl_s / 2)
        )
        self._languages: dict[str, tuple[int, Mapping[str, int]]] = {}

    async def search(
        self, collection: str, request: SearchRequest, rights: Rights = EVERYTHING
    ) -> SearchAnswer:
        """Search a collection, or continue a frozen list with ``request.next``.

        Raises:
            InvalidInput: the request cannot be answered as it is; says what to change.
            CollectionNotFound: there is no such collection.
            PageExpired: the frozen list is gone.
            BackendUnavailable: no index, or not the ledger, answered in time.
        """
        trace = Trace()
        if request.next is not None:
            return await self._continue(collection, request, rights, trace)
        plan, head = await self._plan(collection, request, rights)
        key = cache_key(collection, head, rights, self._fingerprints(), request)
        answer = await self._results.answer(key, lambda: self._search(plan, rights, trace))
        answer.took_ms = trace.took_ms()
        return answer

    async def _plan(
        self, collection: str, request: SearchRequest, rights: Rights
    ) -> tuple[Plan, Head]:
        """Resolve the collection, its live generation and the request, once for all stages."""
        ledger = self._services.ledger
        head = await ledger.collections.head(collection)
        stored = await ledger.collections.get(collection)
        languages = await self._present_languages(collection, head.epoch)
        return make_plan(self._services, stored, head.live, languages, request, rights), head

    async def _search(self, plan: Plan, rights: Rights, trace: Trace) -> SearchAnswer:
        services = self._services
        indexes = await self._open(plan.generation)
        ranking, encoded = await rank(services, indexes, plan, trace)
        await self._rankings.keep(ranking)
        page = PageRequest(
            0, plan.request.size, plan.request.explain, rights, plan.deadline, encoded
        )
        answer = await render(services, indexes, ranking, page, trace)
        _count(answer)
        return answer

    async def _continue(
        self, collection: str, request: SearchRequest, rights: Rights, trace: Trace
    ) -> SearchAnswer:
        continuation = Continuation.decode(request.next or "")
        ranking = await self._rankings.find(continuation.search_id, collection, rights.key())
        kept = await self._services.ledger.collections.generations(collection)
        generation = next((each for each in kept if each.id == ranking.head.generation), None)
        if generation is None:
            raise PageExpired("The index behind this result list is gone: search again.")
        deadline = Deadline.after(self._services.settings.deadline_ms / 1_000)
        page = PageRequest(continuation.position, request.size, request.explain, rights, deadline)
        indexes = await self._open(generation)
        return await render(self._services, indexes, ranking, page, trace)

    async def _open(self, generation: Generation) -> Indexes:
        lexical = await self._services.lexical.open(generation)
        if generation.fingerprint.encoder is None:
            return Indexes(lexical, None)
        return Indexes(lexical, await self._services.vectors.open(generation))

    async def _present_languages(self, collection: str, epoch: int) -> Mapping[str, int]:
        """Counted once an epoch, for they change only with a write."""
        known = self._languages.get(collection)
        if known is None or known[0] != epoch:
            counts = await self._services.ledger.documents.languages(collection)
            known = self._languages[collection] = (epoch, counts)
        return known[1]

    def _fingerprints(self) -> Mapping[str, str]:
        """What stands for the models and choices of this process in a cache key."""
        services = self._services
        models = {"settings": services.settings.ranking_digest()}
        if services.embedder is not None:
            models["bi_encoder"] = repr(services.embedder.encoder.fingerprint)
        if services.reranker is not None:
            models["cross_encoder"] = repr(replace(services.reranker.card, device=""))
        return models


def _count(answer: SearchAnswer) -> None:
    for stage in answer.stages:
        SEARCH_STAGE_SECONDS.labels(stage.name).observe(stage.ms / 1_000)
    for reason in answer.degraded:
        DEGRADED_ANSWERS.labels(reason).inc()
