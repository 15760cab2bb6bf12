"""The result cache: one computation per key at a time, never a degraded answer."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping

from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from services.generations import Head
from services.metrics import CACHE_LOOKUPS
from services.ports.cache import Cache
from services.rights import Rights

CacheKey = Callable[[str, Head, Rights, Mapping[str, str], SearchRequest], str]
"""Makes a key of a collection, its pointer, the caller's rights, the models and a request."""


def cache_key(
    collection: str, head: Head, rights: Rights, models: Mapping[str, str], request: SearchRequest
) -> str:
    """Everything that an answer depends on, hashed.

    The epoch grows with every write, so a stale answer is never found again and nothing
    needs to be purged.
    """
    parts = [
        collection,
        head.live.id,
        head.live.fingerprint.digest(),
        head.epoch,
        rights.key(),
        sorted(models.items()),
        request.model_copy(update={"query": " ".join(request.query.split())}).model_dump(
            mode="json"
        ),
    ]
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    return f"answer:{digest}"


class ResultCache:
    """Answers by key; concurrent callers of one key share one computation."""

    def __init__(self, cache: Cache, ttl_s: float) -> None:
        self._cache = cache
        self._ttl_s = ttl_s
        self._flights: dict[str, asyncio.Task[SearchAnswer]] = {}

    async def answer(
        self, key: str, compute: Callable[[], Awaitable[SearchAnswer]]
    ) -> SearchAnswer:
        """The cached answer, or a computed one, which is cached unless it is degraded.

        The computation goes on when the caller that began it leaves, for the others wait
        for it too; an error reaches all of them and is not kept.
        """
        raw = await self._cache.get(key) if self._ttl_s else None
        CACHE_LOOKUPS.labels("miss" if raw is None else "hit").inc()
        if raw is not None:
            answer = SearchAnswer.model_validate_json(raw)
            answer.cached = True
            return answer
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._compute(key, compute))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return (await asyncio.shield(flight)).model_copy()

    def _land(self, key: str, flight: asyncio.Task[SearchAnswer]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # looked at, or asyncio warns when every caller has left

    async def _compute(
        self, key: str, compute: Callable[[], Awaitable[SearchAnswer]]
    ) -> SearchAnswer:
        answer = await compute()
        if not answer.degraded and self._ttl_s:
            await self._cache.set(key, answer.model_dump_json().encode(), self._ttl_s)
        return answer
