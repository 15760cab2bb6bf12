"""Puts a process's services together: the only place that matches on a backend.

Engines and models are imported where they are opened, in threads, side by side: a command
that needs no model does not wait for a model's runtime.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from services.embedded.cache import MemoryCache
from services.embedded.layout import Layout
from services.embedded.ledger import SqliteLedger
from services.embedded.lock import DataDirectoryLock
from services.embedded.rates import MemoryRates
from services.errors import ModelUnavailable
from services.models.shelf import EncoderShelf, Load, load_embedder
from services.ports.cache import Cache
from services.ports.ingestion import IngestQueue
from services.ports.ledger import Ledger
from services.ports.lexical import LexicalStore
from services.ports.models import Embedder, Reranker
from services.ports.rates import RateLimiter
from services.ports.vectors import VectorStore
from services.settings import Settings
from services.usage import Usage

if TYPE_CHECKING:
    from services.celery.exchange import Exchange

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What a process works with.

    Attributes:
        embedder: what new collections are built with; None where no bi-encoder is to be had,
            ``missing["bi_encoder"]`` says why. A generation's own is on the ``shelf``.
        reranker: None where no cross-encoder is to be had; ``missing["cross_encoder"]``
            says why.
        fallback: a smaller one in this process, for when the first is down or too slow;
            None where none is set or to be had.
        rates: counts requests, over all processes that share a cache.
        ingest_queue: workers that ingest; None without a broker, or where a store is embedded,
            since only one process can write then.
    """

    settings: Settings
    ledger: Ledger
    lexical: LexicalStore
    vectors: VectorStore
    cache: Cache
    embedder: Embedder | None
    reranker: Reranker | None
    shelf: EncoderShelf
    missing: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    rates: RateLimiter = field(default_factory=MemoryRates)
    fallback: Reranker | None = None
    ingest_queue: IngestQueue | None = None

    @property
    def rerankers(self) -> tuple[Reranker, ...]:
        """Those there are, the better one first."""
        return tuple(each for each in (self.reranker, self.fallback) if each is not None)


@asynccontextmanager
async def open_services(
    settings: Settings, *, wait_for_lock_s: float = 10.0
) -> AsyncIterator[Services]:
    """Open every service, models in threads beside the stores, and close them all on exit.

    Raises:
        DataDirectoryLocked: another process kept the data directory for ``wait_for_lock_s``.
        DataFormatUnsupported: a newer Winnow wrote it.
        InvalidInput: a server's URL is not one.
    """
    layout = Layout(settings.data_path)
    async with AsyncExitStack() as stack:
        if not (settings.opensearch_url and settings.qdrant_url):
            # A store is embedded: its directory has one owner.
            await stack.enter_async_context(
                DataDirectoryLock(settings.data_path, wait_s=wait_for_lock_s)
            )
            layout.check_format()
        missing: dict[str, str] = {}
        cache = _open_cache(settings)
        stack.push_async_callback(cache.close)
        load = _embedder_loader(settings, cache)
        exchange = _open_exchange(settings, stack)
        models = (
            asyncio.create_task(_model("bi_encoder", load, settings, missing)),
            asyncio.create_task(_reranker(settings, exchange, missing)),
            asyncio.create_task(_fallback(settings, missing)),
        )
        stack.push_async_callback(_finish, models)
        ledger, lexical = await _open_text(settings, layout, stack)
        vectors = await asyncio.to_thread(_open_vectors, settings, layout.vectors)
        stack.push_async_callback(vectors.close)
        rates = _open_rates(settings)
        stack.push_async_callback(rates.close)
        embedder, reranker, fallback = await models[0], await models[1], await models[2]
        shelf = EncoderShelf(settings, embedder, load)
        stack.push_async_callback(shelf.close)
        yield Services(
            *(settings, ledger, lexical, vectors, cache, embedder, reranker, shelf, missing),
            rates=rates,
            fallback=fallback,
            ingest_queue=_open_queue(settings, exchange, stack),
        )


async def _model(
    stage: str,
    load: Callable[[Settings], T],
    settings: Settings,
    missing: dict[str, str],
) -> T | None:
    """What a loader gives, or None with the reason in ``missing``."""
    if not getattr(settings, stage):
        missing[stage] = f"It is switched off: WINNOW_{stage.upper()} is empty."
        return None
    try:
        return await asyncio.to_thread(load, settings)
    except ModelUnavailable as error:
        missing[stage] = error.detail
        return None


def _open_exchange(settings: Settings, stack: AsyncExitStack) -> "Exchange | None":
    """The connection to the workers, where there is a broker; it is yet to be started."""
    if not settings.broker_url:
        return None
    from services.celery.exchange import Exchange

    exchange = Exchange(settings.broker_url)
    stack.push_async_callback(exchange.close)
    return exchange


def _open_queue(
    settings: Settings, exchange: "Exchange | None", stack: AsyncExitStack
) -> IngestQueue | None:
    """Workers that ingest, where several processes may write to every store."""
    if exchange is None or not (settings.opensearch_url and settings.qdrant_url):
        return None
    from services.celery.ingestion import CeleryIngestQueue

    queue = CeleryIngestQueue(exchange)
    stack.push_async_callback(queue.close)
    return queue


async def _reranker(
    settings: Settings, exchange: "Exchange | None", missing: dict[str, str]
) -> Reranker | None:
    """On workers where there is a broker; then this process loads no cross-encoder."""
    if exchange is not None:
        await exchange.start()
    if exchange is not None and settings.cross_encoder:
        from services.celery.reranker import CeleryReranker

        return CeleryReranker(exchange, settings.cross_encoder)
    return await _model("cross_encoder", _load_reranker, settings, missing)


async def _fallback(settings: Settings, missing: dict[str, str]) -> Reranker | None:
    """In this process also where there is a broker: it is for when no worker answers."""
    if not settings.fallback_cross_encoder:
        return None
    return await _model("fallback_cross_encoder", _load_fallback, settings, missing)


async def _finish(
    models: tuple[
        "asyncio.Task[Embedder | None]",
        "asyncio.Task[Reranker | None]",
        "asyncio.Task[Reranker | None]",
    ],
) -> None:
    """Close the models that were loaded, also where opening a store failed meanwhile."""
    for loaded in await asyncio.gather(*models, return_exceptions=True):
        if loaded is not None and not isinstance(loaded, BaseException):
            await loaded.close()


async def _open_text(
    settings: Settings, layout: Layout, stack: AsyncExitStack
) -> tuple[Ledger, LexicalStore]:
    """The ledger and the text index, by one setting; the stack closes them."""
    ledger: Ledger
    lexical: LexicalStore
    if settings.opensearch_url:
        from services.opensearch.opening import open_opensearch

        ledger, lexical = open_opensearch(settings)
        stack.push_async_callback(ledger.close)
    else:
        ledger = await SqliteLedger.open(layout.ledger)
        stack.push_async_callback(ledger.close)
        lexical = await asyncio.to_thread(_open_lexical, layout.lexical)
    stack.push_async_callback(lexical.close)
    return ledger, lexical


def _open_lexical(path: Path) -> LexicalStore:
    from services.embedded.lexical import TantivyStore

    return TantivyStore(path)


def _open_vectors(settings: Settings, path: Path) -> VectorStore:
    if settings.qdrant_url:
        from services.qdrant.opening import open_qdrant

        return open_qdrant(settings)
    from services.embedded.vectors import EdgeStore

    return EdgeStore(path)


def _open_cache(settings: Settings) -> Cache:
    if not settings.cache_url:
        return MemoryCache(settings.cache_bytes)
    from services.redis import RedisCache

    return RedisCache(settings.cache_url, timeout_s=settings.cache_timeout_ms / 1_000)


def _load_fallback(settings: Settings) -> Reranker:
    return _load_reranker(
        settings.model_copy(update={"cross_encoder": settings.fallback_cross_encoder})
    )


def _open_rates(settings: Settings) -> RateLimiter:
    if not settings.cache_url:
        return MemoryRates()
    from services.redis.rates import RedisRates

    return RedisRates(settings.cache_url, timeout_s=settings.cache_timeout_ms / 1_000)


def _embedder_loader(settings: Settings, cache: Cache) -> Load:
    """Loads encoders whose query vectors go through the cache, where processes share one."""
    if not settings.cache_url:
        return load_embedder

    def load(wanted: Settings) -> Embedder:
        from services.models.cached_embedder import CachedEmbedder

        return CachedEmbedder(load_embedder(wanted), cache)

    return load


def _load_reranker(settings: Settings) -> Reranker:
    from services.models.loading import load_cross_encoder
    from services.models.reranker import InProcessReranker

    return InProcessReranker(load_cross_encoder(settings))
