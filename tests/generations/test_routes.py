"""Generations over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from indexer.generation_routes import router
from indexer.service import Indexer
from services.assembly import Services
from services.web.problems import ProblemMiddleware, install_problems
from tests.generations.examples import books
from tests.indexer.conftest import services

__all__ = ["services"]

PATH = "/v1/admin/generations"
HERE = {"collection": "books"}


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that indexes in the background, with a collection ``books``."""
    async with Indexer(services) as indexer:
        await indexer.create_collection("books", language="en")
        await indexer.put("books", books(range(10)))
        app = FastAPI()
        install_problems(app)
        app.include_router(router(lambda: indexer.generations))
        app.add_middleware(ProblemMiddleware)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", params=HERE
        ) as client:
            yield client


async def listed(client: httpx.AsyncClient) -> list[dict[str, object]]:
    """Every generation."""
    return list((await client.get(PATH)).json()["generations"])


async def test_a_build_from_its_order_to_its_removal(client: httpx.AsyncClient) -> None:
    """Ordered, watched, checked, switched to, taken back, and kept for its grace period."""
    made = await client.post(PATH, json={"chunk_tokens": 20})
    assert made.status_code == 202, made.text
    body = made.json()
    assert (body["state"], body["progress"]["total"]) == ("building", 10)
    path = f"{PATH}/{body['id']}"
    for _ in range(600):
        if (state := (await client.get(path)).json())["state"] == "ready":
            break
        await asyncio.sleep(0.1)
    assert (state["state"], state["pending"], state["progress"]) == ("ready", 0, None)
    checks = (await client.get(f"{path}/checks")).json()
    assert checks["passed"], checks
    drop = {"measure": "nDCG@10", "live": 0.5, "new": 0.4, "max_drop": 0.05}
    refused = await client.post(f"{path}/activate", json=drop)
    assert refused.status_code == 400
    assert "nDCG@10 0.5000 before, 0.4000 after" in refused.json()["detail"]
    assert (await client.post(f"{path}/activate", json=drop | {"max_drop": 0.2})).is_success
    assert [each["state"] for each in await listed(client)] == ["retired", "live"]
    removed = (await client.post("/v1/admin/gc", params={"dry_run": True})).json()
    assert (removed["removed"], len(removed["kept"])) == ([], 2)
    back = await client.post("/v1/admin/rollback")
    assert back.json()["state"] == "live"
    assert [each["state"] for each in await listed(client)] == ["live", "retired"]


async def test_a_build_is_changed_and_cancelled(client: httpx.AsyncClient) -> None:
    """Paused at once, its speed kept, and gone when it is given up."""
    speed = {"documents_per_s": 2.0, "share": 0.5}
    made = (await client.post(PATH, json={"model": "hashing-32", "speed": speed})).json()
    path = f"{PATH}/{made['id']}"
    paused = (await client.patch(path, json={"paused": True})).json()
    assert (paused["progress"]["paused"], paused["progress"]["waiting"]) == (True, "paused")
    assert paused["progress"]["speed"] == speed
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert len(await listed(client)) == 1


async def test_what_cannot_be_is_a_problem(client: httpx.AsyncClient) -> None:
    """Each refusal says what to do."""
    for answer, status in (
        (await client.post(PATH), 409),
        (await client.post(PATH, json={"chunk_tokens": 999}), 400),
        (await client.post(PATH, json={"chunk": 1}), 400),
        (await client.post("/v1/admin/rollback"), 400),
        (await client.get(PATH, params={"collection": "none"}), 404),
        (await client.get(f"{PATH}/g0007"), 404),
    ):
        assert answer.status_code == status, answer.text
