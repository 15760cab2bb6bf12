"""The one HTTP application: mounts every route and wires what they need."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

import cli.doctor_routes
import indexer.consistency_routes
import indexer.generation_routes
import indexer.key_routes
import indexer.routes
import search_api.rerank_routes
import search_api.routes
import search_api.similar_routes
import search_api.ui.routes
from indexer.service import Indexer
from search_api.answer import SearchAnswer
from search_api.mcp_tools import open_mcp
from search_api.request import SearchRequest
from search_api.service import SearchService
from search_api.similar import similar
from services.assembly import Services, open_services
from services.collections import Collection
from services.errors import BackendUnavailable, WinnowError
from services.metrics import CONTENT_TYPE, exposition
from services.models.shelf_keeper import encoders_kept
from services.settings import Settings
from services.version import VERSION
from services.web.body_limit import BodyLimit
from services.web.concurrency import ConcurrencyLimit
from services.web.keys import KeyCheck, KeyRing, Keys, Role
from services.web.openapi import install_openapi
from services.web.origins import LocalOnly
from services.web.problems import ProblemMiddleware, install_problems
from services.web.rate_limit import RateLimit, rates_of
from services.web.request_metrics import RequestMetrics

PING_DEADLINE_S = 2.0

# Answers that take this share of a search's deadline, on average, mean overload.
_SLOW_SHARE = 0.4

_PUBLIC = frozenset({"/", "/key", "/favicon.ico", "/livez", "/readyz", "/openapi.json"})
_SEARCHES = frozenset({"/v1/rerank", "/v2/rerank", "/mcp"})
_PUBLIC_FOLDERS = ("/assets/", "/problems/")


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the application's routes work with."""

    services: Services
    indexer: Indexer
    search: SearchService
    mcp: ASGIApp
    keys: KeyRing


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Open the services with indexing in the background; on exit finish its current batch.

    Raises:
        BackendUnavailable: as :func:`services.assembly.open_services`.
    """
    async with (
        open_services(settings) as services,
        encoders_kept(services.ledger.collections, services.shelf),
    ):
        background = Indexer(services)
        background.start()
        try:
            search = SearchService(services)
            async with open_key_ring(services) as keys, open_mcp(services, search) as mcp:
                yield Runtime(services, background, search, mcp, keys)
        finally:
            await background.close()


@asynccontextmanager
async def open_key_ring(services: Services) -> AsyncIterator[KeyRing]:
    """The keys of the settings and the stored ones, which are followed while the block runs."""
    ring = KeyRing(Keys.from_settings(services.settings), services.ledger.keys)
    with suppress(BackendUnavailable):
        await ring.refresh()
    following = asyncio.create_task(ring.keep_fresh(), name="winnow-keys")
    try:
        yield ring
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def create_app(runtime: Runtime, *, open_to_all: bool = False) -> FastAPI:
    """The application over a runtime that is open for as long as it serves.

    Args:
        open_to_all: without keys, serve by any host name and not only as localhost.
    """
    # FastAPI's documentation page would load its scripts from another host.
    app = FastAPI(title="Winnow", version=VERSION, docs_url=None, redoc_url=None)
    install_problems(app)
    install_openapi(app)
    app.include_router(search_api.routes.router(lambda: runtime.search))
    app.include_router(search_api.similar_routes.router(_similar(runtime)))
    app.include_router(search_api.rerank_routes.router(lambda: runtime.services))
    app.include_router(indexer.routes.router(lambda: runtime.indexer))
    app.include_router(indexer.consistency_routes.router(lambda: runtime.indexer.consistency))
    app.include_router(indexer.generation_routes.router(lambda: runtime.indexer.generations))
    app.include_router(cli.doctor_routes.router(lambda: runtime.services))
    app.include_router(indexer.key_routes.router(lambda: runtime.services))
    app.include_router(_page(runtime))
    app.router.routes.append(Route("/mcp", runtime.mcp))
    _add_operations(app, runtime)
    _add_middleware(app, runtime.services, runtime.keys, open_to_all=open_to_all)
    return app


def _similar(runtime: Runtime) -> search_api.similar_routes.Similar:
    async def find(collection: str, document_id: str, size: int, filters: object) -> SearchAnswer:
        return await similar(
            runtime.services, runtime.search, collection, document_id, size=size, filters=filters
        )

    return find


def _page(runtime: Runtime) -> APIRouter:
    async def search(collection: str, request: SearchRequest) -> SearchAnswer:
        return await runtime.search.search(collection, request)

    async def collections() -> tuple[Collection, ...]:
        return tuple(await runtime.indexer.list_collections())

    return search_api.ui.routes.router(search, collections, runtime.keys.may_search)


def _add_operations(app: FastAPI, runtime: Runtime) -> None:
    @app.get("/livez", tags=["operations"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["operations"], responses={503: {"description": "Not ready"}})
    async def ready() -> JSONResponse:
        """Whether every store answers; a model that is missing only makes answers less."""
        faults = await _faults(runtime.services)
        content = {
            "status": "unready" if faults else "ready",
            "unavailable": faults,
            "missing_models": await _missing_models(runtime.services),
        }
        return JSONResponse(content, status_code=503 if faults else 200)

    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(exposition(), media_type=CONTENT_TYPE)


async def _faults(services: Services) -> Mapping[str, str]:
    """Why each part that does not answer does not."""
    pings = {
        "ledger": services.ledger.ping(),
        "lexical": services.lexical.ping(),
        "vectors": services.vectors.ping(),
    }
    found = await asyncio.gather(*(_fault(ping) for ping in pings.values()))
    return {name: fault for name, fault in zip(pings, found, strict=True) if fault}


async def _missing_models(services: Services) -> Mapping[str, str]:
    """Why each model that is not to be had is not; workers come and go."""
    fault = "" if services.reranker is None else await _fault(services.reranker.ping())
    encoders = {f"encoder {name}": why for name, why in services.shelf.missing().items()}
    return {**services.missing, **encoders, **({"cross_encoder": fault} if fault else {})}


async def _fault(ping: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(PING_DEADLINE_S):
            await ping
    except TimeoutError:
        return f"no answer within {PING_DEADLINE_S:g} s"
    except WinnowError as error:
        return error.detail
    return ""


def _add_middleware(app: FastAPI, services: Services, keys: KeyRing, *, open_to_all: bool) -> None:
    """Innermost first: each wraps the ones before it."""
    settings = services.settings
    app.add_middleware(
        ConcurrencyLimit,
        limit=settings.max_concurrent_searches,
        max_wait_s=settings.max_wait_ms / 1_000,
        slow_s=_SLOW_SHARE * settings.deadline_ms / 1_000,
        counts=_is_search,
    )
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        unlimited=frozenset({indexer.consistency_routes.RESTORE_PATH}),
    )
    app.add_middleware(KeyCheck, keys=keys, needed=role_needed)
    rates = rates_of(settings)
    if rates:
        app.add_middleware(RateLimit, limiter=services.rates, rates=rates, counts=_is_counted)
    if not keys.required and not open_to_all:
        app.add_middleware(LocalOnly, allowed_origins=settings.cors_origins)
    app.add_middleware(ProblemMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(RequestMetrics)


def role_needed(scope: Scope) -> Role:
    """The role that a request needs; what is not named here is administration."""
    path = scope["path"]
    if path in _PUBLIC or path.startswith(_PUBLIC_FOLDERS):
        return Role.NOBODY
    return Role.SEARCHER if _is_search(scope) or path == "/metrics" else Role.ADMINISTRATOR


def _is_counted(scope: Scope) -> bool:
    """Whether a request counts against the rates: all but probes, metrics and the page's files."""
    return _is_search(scope) or (
        role_needed(scope) is not Role.NOBODY and scope["path"] != "/metrics"
    )


def _is_search(scope: Scope) -> bool:
    """Whether a request computes a search: the API's, or the page's with a question in it."""
    path = scope["path"]
    if path in _SEARCHES:
        return True
    if path == "/":
        return bool(scope["query_string"])
    parts = path.split("/", 5)
    if parts[1:3] != ["v1", "collections"]:
        return False
    return parts[4:] == ["search"] or (len(parts) == 6 and parts[4] == "similar")
