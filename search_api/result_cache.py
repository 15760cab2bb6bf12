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
        self._flights: dict[str, asyncio.Future[SearchAnswer]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

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
            flight = asyncio.get_running_loop().create_future()
            self._flights[key] = flight
            task = asyncio.create_task(self._fly(key, flight, compute))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        # An answer that is there is on its way into the cache: as good as found in it.
        kept = flight.done()
        return (await asyncio.shield(flight)).model_copy(update={"cached": True} if kept else None)

    async def _fly(
        self,
        key: str,
        flight: asyncio.Future[SearchAnswer],
        compute: Callable[[], Awaitable[SearchAnswer]],
    ) -> None:
        """Compute, tell the callers, and only then keep the answer, which nobody waits for.

        Until it is kept, whoever comes joins the flight: nothing is computed twice.
        """
        try:
            answer = await compute()
        except Exception as error:  # noqa: BLE001  # the callers'
            flight.set_exception(error)
            flight.exception()  # looked at, or asyncio warns when every caller has left
        else:
            flight.set_result(answer)
            if not answer.degraded and self._ttl_s:
                await self._cache.set(key, answer.model_dump_json().encode(), self._ttl_s)
        finally:
            flight.cancel()  # where this task was; it changes nothing once there is an outcome
            self._flights.pop(key, None)
