"""Bounds on concurrency, other sites' pages and what is counted."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from services.metrics import exposition
from services.web.concurrency import ConcurrencyLimit
from services.web.origins import LocalOnly
from services.web.problems import ProblemMiddleware, install_problems
from services.web.request_metrics import RequestMetrics


def client_of(app: FastAPI, host: str = "localhost") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}:8000")


def local_application() -> FastAPI:
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.api_route("/things/{name:path}", methods=["GET", "POST"])
    async def thing(name: str) -> str:
        return name

    app.add_middleware(LocalOnly, allowed_origins=("https://shop.example",))
    app.add_middleware(ProblemMiddleware)
    app.add_middleware(RequestMetrics)
    return app


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
    ],
)
async def test_only_names_of_this_machine_are_answered(host: str, status: int) -> None:
    """A page whose name resolves to 127.0.0.1 sends its own name as Host."""
    async with client_of(local_application(), host) as client:
        assert (await client.get("/things/a")).status_code == status


async def test_a_request_without_a_readable_host_is_refused() -> None:
    """A host that no one can read is no name of this machine."""
    async with client_of(local_application()) as client:
        assert (await client.get("/things/a", headers={"host": "[oops"})).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8000"}, 200),
        ({"origin": "https://shop.example"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_pages_of_other_sites_may_not_write(headers: Mapping[str, str], status: int) -> None:
    """A form post needs no preflight, so its Origin is what tells."""
    async with client_of(local_application()) as client:
        assert (await client.post("/things/a", headers=headers)).status_code == status


async def test_beyond_the_limit_the_answer_is_a_quick_no() -> None:
    """The third of two allowed is told at once when to come back; then there is room again."""
    app = FastAPI(openapi_url=None)
    release = asyncio.Event()
    running = asyncio.Semaphore(0)

    @app.get("/search")
    async def search() -> str:
        running.release()
        await release.wait()
        return "done"

    @app.get("/other")
    async def other() -> str:
        return "done"

    app.add_middleware(ConcurrencyLimit, limit=2, counts=lambda scope: scope["path"] == "/search")
    app.add_middleware(ProblemMiddleware)
    async with client_of(app) as client:
        first = [asyncio.create_task(client.get("/search")) for _ in range(2)]
        await running.acquire()
        await running.acquire()
        refused = await client.get("/search")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/other")).status_code == 200
        release.set()
        assert [(await task).status_code for task in first] == [200, 200]
        assert (await client.get("/search")).status_code == 200


async def test_requests_are_counted_by_template_and_status() -> None:
    """Ids never become labels, refused and unknown paths are counted too."""
    async with client_of(local_application()) as client:
        await client.get("/things/some/secret")
        await client.get("/unknown/secret")
    text = exposition().decode()
    line = 'winnow_http_requests_total{method="GET",route="/things/{name:path}",status="200"}'
    assert line in text
    assert 'route="unmatched",status="404"' in text
    assert "secret" not in text
