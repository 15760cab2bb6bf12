"""The application whole, over the real stores: operations, keys, CORS, limits, OpenAPI."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from cli.application import create_app, open_runtime
from services.settings import Settings

SNAPSHOT = Path(__file__).parent / "openapi.json"
SEARCH = "/v1/collections/default/search"


@asynccontextmanager
async def application(folder: Path, **more: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over stores in a folder."""
    own = {
        "data_dir": folder,
        "bi_encoder": "hashing",
        "cross_encoder": "overlap",
        "hub": False,
        "deadline_ms": 60_000,
    }
    settings = Settings.model_validate(own | more)
    async with open_runtime(settings) as runtime:
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


async def test_health_readiness_and_metrics(tmp_path: Path) -> None:
    """Ready with every store open; a model that is missing is told and does no harm."""
    async with application(tmp_path, cross_encoder="") as client:
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert list(ready.json()["missing_models"]) == ["cross_encoder"]
        metrics = await client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        assert "winnow_search_stage_seconds" in metrics.text


async def test_unready_where_a_store_does_not_answer(tmp_path: Path) -> None:
    """503 with the part that is gone and why."""
    settings = Settings(data_dir=tmp_path, bi_encoder="hashing", cross_encoder="", hub=False)
    async with open_runtime(settings) as runtime:
        transport = httpx.ASGITransport(create_app(runtime))
        await runtime.services.ledger.close()
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/readyz")
            assert answer.status_code == 503
            assert list(answer.json()["unavailable"]) == ["ledger"]
            assert (await client.get("/livez")).status_code == 200


async def test_a_document_can_be_put_found_and_seen(tmp_path: Path) -> None:
    """Write, search and page meet in one application."""
    async with application(tmp_path) as client:
        path = "/v1/collections/default/documents/a%2Fb%20%C3%BC"
        body = {"text": "A heron stands in the reeds.", "title": "Heron"}
        stored = await client.put(path, json=body, params={"wait": "true", "create": "true"})
        assert stored.status_code == 200, stored.text
        found = (await client.post(SEARCH, json={"query": "heron"})).json()
        assert [each["id"] for each in found["results"]] == ["a/b ü"]
        assert "Heron" in (await client.get("/", params={"q": "heron"})).text


async def test_without_keys_only_names_of_this_machine_are_served(tmp_path: Path) -> None:
    """DNS rebinding ends at the Host header."""
    async with application(tmp_path) as client:
        stranger = await client.get("/readyz", headers={"host": "evil.example"})
        assert stranger.status_code == 403


async def test_open_to_all_serves_any_name(tmp_path: Path) -> None:
    """--open is a choice that somebody made."""
    settings = Settings(data_dir=tmp_path, bi_encoder="hashing", cross_encoder="", hub=False)
    async with open_runtime(settings) as runtime:
        transport = httpx.ASGITransport(create_app(runtime, open_to_all=True))
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example") as client:
            assert (await client.get("/readyz")).status_code == 200


async def test_each_key_opens_its_own_doors(tmp_path: Path) -> None:
    """Searching needs one of the keys, everything else the second; health and page need none."""
    keys = {"search_key": SecretStr("find"), "admin_key": SecretStr("manage")}

    async def statuses(method: str, path: str, **more: object) -> list[int]:
        found = []
        for key in ("", "wrong", "find", "manage"):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            answer = await client.request(method, path, headers=headers, **more)
            found.append(answer.status_code)
        return found

    async with application(tmp_path, **keys) as client:
        assert await statuses("GET", "/v1/collections") == [401, 401, 403, 200]
        assert await statuses("PUT", "/v1/collections/default") == [401, 401, 403, 201]
        assert await statuses("POST", SEARCH, json={}) == [401, 401, 200, 200]
        assert await statuses("GET", f"{SEARCH}?q=x") == [401, 401, 200, 200]
        assert await statuses("GET", "/metrics") == [401, 401, 200, 200]
        assert await statuses("GET", "/livez") == [200, 200, 200, 200]
        # A search key must not reach a document whose id ends like the search path.
        document = "/v1/collections/default/documents/search"
        assert (await statuses("PUT", document, json={"text": "x"}))[2] == 403
        assert (await client.get("/", headers={"host": "any.example"})).status_code in {200, 401}


async def test_cors_answers_only_origins_of_the_settings(tmp_path: Path) -> None:
    """None by default; a named one may read answers, errors included."""
    origin = {"origin": "https://shop.example"}
    async with application(tmp_path / "closed") as client:
        closed = await client.get("/livez", headers=origin)
        assert "access-control-allow-origin" not in closed.headers
    async with application(tmp_path / "open", cors_origins=("https://shop.example",)) as client:
        missing = await client.post(SEARCH, json={}, headers=origin)
        assert missing.status_code == 404
        assert missing.headers["access-control-allow-origin"] == "https://shop.example"
        preflight = origin | {"access-control-request-method": "POST"}
        assert (await client.options(SEARCH, headers=preflight)).status_code == 200
        other = await client.post(SEARCH, json={}, headers={"origin": "https://evil.example"})
        assert other.status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"query": "\\ud800"}', 400),
        (b'{"filters": ' + b'{"type":"not","filters":[' * 1000 + b"]}" * 1000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"size": 1000000000}', 400),
        (b'{"nonsense": 1}', 400),
        (b'{"query": "x", "facets": ["unheard"]}', 400),
        (b'{"next": "forged"}', 400),
        (b'{"query": "' + b"a" * 100_000 + b'"}', 400),
        ('{"query": "\\u0000 \\u0007 🦊 * ?"}'.encode(), 200),
        (b"not json", 400),
    ],
)
async def test_hostile_searches_are_answered_or_refused(
    tmp_path: Path, body: bytes, status: int
) -> None:
    """A sentence each, never a 500."""
    async with application(tmp_path) as client:
        await client.put("/v1/collections/default")
        headers = {"content-type": "application/json"}
        answer = await client.post(SEARCH, content=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert status == 200 or answer.json()["detail"]


async def test_a_body_over_the_cap_is_413(tmp_path: Path) -> None:
    """Bulk writes stream, and are capped all the same."""

    async def lines() -> AsyncIterator[bytes]:
        for number in range(100):
            yield json.dumps({"id": str(number), "text": "words " * 20}).encode() + b"\n"

    async with application(tmp_path, max_body_bytes=2_048) as client:
        await client.put("/v1/collections/default")
        answer = await client.post("/v1/collections/default/documents", content=lines())
        assert answer.status_code == 413, answer.text
        assert answer.json()["type"] == "/problems/too-large"


async def test_the_openapi_document_is_the_one_that_was_agreed(tmp_path: Path) -> None:
    """A change of the API shows in review; WINNOW_SNAPSHOT=write takes the new one."""
    async with application(tmp_path) as client:
        document = (await client.get("/openapi.json")).json()
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("WINNOW_SNAPSHOT") == "write":
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8"), (
        "The API has changed: look at the difference, then run scripts/test "
        "tests/web/test_application.py with WINNOW_SNAPSHOT=write."
    )


async def test_no_operation_promises_an_error_that_it_does_not_give(tmp_path: Path) -> None:
    """Every operation documents problems, and none FastAPI's own 422."""
    async with application(tmp_path) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert "422" not in operation["responses"], (method, path)
            assert "default" in operation["responses"], (method, path)
