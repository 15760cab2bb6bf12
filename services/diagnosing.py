"""Which checks the settings call for: with :mod:`services.assembly` the only match on backends."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from services.assembly import Services
from services.diagnosis import Check, Finding, State, checked, disk, warning, well
from services.errors import EncoderMismatch, ModelUnavailable
from services.generations import Generation
from services.settings import Settings

ENCODER_MISMATCH = "encoder_mismatch"

MANY_CHUNKS = 300_000
"""Up to so many, comparing a query with every chunk takes the embedded index about 40 ms."""

_PAGE = 10_000


async def diagnose_servers(settings: Settings) -> Sequence[Finding]:
    """Every server that the settings name, and the local disk; all looked at side by side."""
    checks = _checks(settings)
    found = await asyncio.gather(*(checked(part, check) for part, check in checks.items()))
    shared = settings.broker_url and settings.broker_url == settings.cache_url
    return [
        *(finding for findings in found for finding in findings),
        *([_shared_redis()] if shared else []),
        await asyncio.to_thread(disk, settings.data_path),
    ]


async def diagnose_generations(services: Services, collection: str) -> Sequence[Finding]:
    """Whether each kept generation's vectors have their encoder here."""
    kept = await services.ledger.collections.generations(collection)
    return [await _encoder(services, generation) for generation in kept]


async def diagnose_size(services: Services, collection: str) -> Sequence[Finding]:
    """Whether the embedded vector index is about to be too large to be searched exactly."""
    live = (await services.ledger.collections.head(collection)).live
    if services.settings.qdrant_url or live.fingerprint.encoder is None:
        return []
    index = await services.vectors.open(live)
    chunks, after = 0, ""
    while page := await index.versions(after, _PAGE):
        chunks += sum(each.chunks for each in page)
        after = page[-1].document_id
    part, found = f"vectors of {collection}", f"{chunks:,} chunks in the embedded index"
    if chunks > MANY_CHUNKS:
        advice = "Searches compare every one of them: start a Qdrant server and reindex."
        return [warning(part, found, advice)]
    return [well(part, found)]


def _checks(settings: Settings) -> Mapping[str, Check]:
    checks: dict[str, Check] = {}
    if settings.opensearch_url:
        from services.opensearch.diagnosis import PART, diagnose

        checks[PART] = partial(diagnose, settings)
    if settings.qdrant_url:
        from services.qdrant import diagnosis as qdrant

        checks[qdrant.PART] = partial(qdrant.diagnose, settings)
    if settings.broker_url or settings.cache_url:
        from services.redis import diagnosis as redis

        for part, url in ((redis.BROKER, settings.broker_url), (redis.CACHE, settings.cache_url)):
            if url:
                checks[part] = partial(redis.diagnose, url, part)
    return checks


def _shared_redis() -> Finding:
    return warning(
        "cache",
        "one database with the broker",
        "Give each its own Redis: the broker must evict nothing, the cache must evict.",
    )


async def _encoder(services: Services, generation: Generation) -> Finding:
    part = f"generation {generation.collection}/{generation.id} ({generation.state})"
    wanted = generation.fingerprint.encoder
    digest = generation.fingerprint.digest()
    if wanted is None:
        return well(part, f"words alone, fingerprint {digest}")
    try:
        await services.shelf.embedder_for(wanted)
    except EncoderMismatch as error:
        return Finding(part, State.WARNING, f"{ENCODER_MISMATCH}: {error.detail}", _REINDEX)
    except ModelUnavailable as error:
        return Finding(part, State.WARNING, f"no encoder: {error.detail}", _REINDEX)
    return well(part, f"{wanted.model} at {wanted.revision}, fingerprint {digest}")


_REINDEX = (
    "It is searched by words alone: bring the encoder back, or build a generation with the one "
    "there is (winnow admin reindex)."
)
