"""How a Redis server is, and whether it evicts as its duty asks."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from services.diagnosis import Finding, clock, warning, well
from services.errors import BackendUnavailable
from services.redis.tries import FAILURES, pool_of

BROKER = "broker"
CACHE = "cache"

_NEVER_EVICTS = "noeviction"


async def diagnose(url: str, part: str) -> Sequence[Finding]:
    """Version, eviction policy and clock of the broker or the cache.

    Raises:
        BackendUnavailable: it does not answer.
    """
    pool = pool_of(url)
    try:
        client = Redis(connection_pool=pool)
        about = cast("Mapping[str, Any]", await client.info())
        asked_s = time.time()
        seconds, microseconds = await client.time()
    except FAILURES as error:
        raise BackendUnavailable(
            f"Redis does not answer ({error or type(error).__name__}): check "
            f"WINNOW_{part.upper()}_URL and that the server runs."
        ) from error
    finally:
        await pool.aclose()
    return [
        well(part, f"Redis {about['redis_version']}"),
        _policy(part, about),
        clock(part, seconds + microseconds / 1e6, asked_s),
    ]


def _policy(part: str, about: Mapping[str, Any]) -> Finding:
    policy, limit = str(about.get("maxmemory_policy", "unknown")), int(about.get("maxmemory", 0))
    found = f"{policy}, {f'{limit / 2**20:.0f} MiB' if limit else 'no limit'}"
    name = f"{part} policy"
    if part == BROKER and policy != _NEVER_EVICTS:
        advice = f"Tasks could vanish: set maxmemory-policy {_NEVER_EVICTS}."
        return warning(name, found, advice)
    if part == CACHE and policy == _NEVER_EVICTS:
        advice = "It fills up and stops: set maxmemory and maxmemory-policy allkeys-lru."
        return warning(name, found, advice)
    if part == CACHE and not limit:
        return warning(name, found, "It takes all memory there is: set maxmemory.")
    return well(name, found)
