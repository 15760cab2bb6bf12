"""Bounds on concurrency, other sites' pages and what is counted."""

import asyncio
import time
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


class BoundedSearches:
    """An application whose searches run until they are released."""

    def __init__(self, limit: int, max_wait_s: float, slow_s: float = 60.0) -> None:
        self.release = asyncio.Event()
        self.running = asyncio.Semaphore(0)
        self.app = FastAPI(openapi_url=None)
        self.app.get("/search")(self.search)
        self.app.get("/other")(self.other)
        self.app.add_middleware(
            ConcurrencyLimit,
            limit=limit,
            max_wait_s=max_wait_s,
            slow_s=slow_s,
            counts=lambda scope: scope["path"] == "/search",
        )
        self.app.add_middleware(ProblemMiddleware)

    async def search(self) -> str:
        self.running.release()
        await self.release.wait()
        return "done"

    async def other(self) -> str:
        return "done"


async def test_beyond_the_limit_the_answer_is_a_quick_no() -> None:
    """The third of two allowed is told when to come back; then there is room again."""
    bounded = BoundedSearches(limit=2, max_wait_s=0.0)
    async with client_of(bounded.app) as client:
        first = [asyncio.create_task(client.get("/search")) for _ in range(2)]
        await bounded.running.acquire()
        await bounded.running.acquire()
        refused = await client.get("/search")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/other")).status_code == 200
        bounded.release.set()
        assert [(await task).status_code for task in first] == [200, 200]
        assert (await client.get("/search")).status_code == 200


async def test_a_short_line_is_allowed() -> None:
    """Who waits less than is allowed is answered, and the place passes on to the next."""
    bounded = BoundedSearches(limit=1, max_wait_s=20.0)
    async with client_of(bounded.app) as client:
        tasks = [asyncio.create_task(client.get("/search")) for _ in range(4)]
        await bounded.running.acquire()
        bounded.release.set()
        assert [(await task).status_code for task in tasks] == [200] * 4


async def test_a_turn_that_does_not_come_is_a_no() -> None:
    """After the longest wait, whatever was expected; whoever left the line blocks nobody."""
    bounded = BoundedSearches(limit=1, max_wait_s=0.05)
    async with client_of(bounded.app) as client:
        first = asyncio.create_task(client.get("/search"))
        await bounded.running.acquire()
        assert (await client.get("/search")).status_code == 429
        left = asyncio.create_task(client.get("/search"))
        await asyncio.sleep(0.01)
        left.cancel()
        bounded.release.set()
        assert (await first).status_code == 200
        assert (await client.get("/search")).status_code == 200


async def test_a_line_that_would_take_too_long_is_not_joined() -> None:
    """What was measured of earlier searches says so before any waiting."""
    bounded = BoundedSearches(limit=1, max_wait_s=60.0)
    async with client_of(bounded.app) as client:
        first = asyncio.create_task(client.get("/search"))
        await asyncio.sleep(0.3)
        bounded.release.set()
        await first
        # The mean is at least 0.03 s by now: some 2,000 would wait more than a minute.
        bounded.release.clear()
        waiting = [asyncio.create_task(client.get("/search")) for _ in range(2_400)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result().status_code for task in done} == {429}
        bounded.release.set()
        statuses = {(await task).status_code for task in waiting}
        assert statuses == {200, 429}


async def test_answers_that_become_slow_let_in_fewer() -> None:
    """And more again when they are quick: what a machine bears is found out."""
    bounded = BoundedSearches(limit=8, max_wait_s=0.0, slow_s=0.15)

    async def let_in(seconds: float) -> int:
        """How many of eight at once, when each takes so long."""
        bounded.release.clear()
        tasks = [asyncio.create_task(client.get("/search")) for _ in range(8)]
        await asyncio.sleep(seconds)
        bounded.release.set()
        return [(await task).status_code for task in tasks].count(200)

    async with client_of(bounded.app) as client:
        first = await let_in(0.3)
        fewest = min([await let_in(0.3) for _ in range(6)])
        assert fewest < first
        for _ in range(40):
            await client.get("/search")
        most = fewest
        deadline_s = time.monotonic() + 60
        while most <= fewest:
            # A busy machine, whose turns are long, has to become idle first.
            assert time.monotonic() < deadline_s
            most = await let_in(0.01)
            await asyncio.sleep(0.21)


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
