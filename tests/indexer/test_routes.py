"""Collections and documents over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from indexer.routes import router
from indexer.service import Indexer
from services.assembly import Services, open_services
from services.web.problems import ProblemMiddleware, install_problems
from tests.indexer.conftest import settings_in

DOCUMENTS = "/v1/collections/books/documents"
IDS = [
    "plain", "with space", "a/b/c", "/etc/passwd", "//x", "a//b", "ends/", "é日本עברית👍",
    "100%", "%2F", "q?x=1#y", "a+b&c", "..", "../up", "documents/x", "\u202ertl",
]  # fmt: skip


def application(indexer: Indexer) -> FastAPI:
    app = FastAPI()
    install_problems(app)
    app.include_router(router(lambda: indexer))
    app.add_middleware(ProblemMiddleware)
    return app


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that indexes in the background, with a collection ``books``."""
    async with Indexer(services) as indexer:
        await indexer.create_collection("books", language="en")
        transport = httpx.ASGITransport(application(indexer))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


def lines(*items: object) -> bytes:
    return b"\n".join(
        item if isinstance(item, bytes) else json.dumps(item).encode() for item in items
    )


def problem(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert body["detail"].endswith((".", ")"))
    return response.status_code, body["type"].removeprefix("/problems/")


async def test_collections_are_put_read_listed_and_deleted(client: httpx.AsyncClient) -> None:
    """PUT creates, then declares; what cannot change is a conflict."""
    path = "/v1/collections/notes"
    made = await client.put(path, json={"schema": {"year": "integer"}, "language": "pt"})
    assert made.status_code == 201
    assert made.json()["schema"] == {"year": "integer"}
    more = await client.put(path, json={"schema": {"kind": "keyword"}})
    assert (more.status_code, more.json()["language"]) == (200, "pt")
    assert more.json()["schema"] == {"year": "integer", "kind": "keyword"}
    conflict = await client.put(path, json={"schema": {"year": "date"}})
    assert problem(conflict) == (409, "schema-conflict")
    assert problem(await client.put(path, json={"language": "en"})) == (409, "already-exists")
    assert (await client.put("/v1/collections/bare")).status_code == 201
    state = (await client.get(path)).json()
    assert (state["documents"], state["pending"], state["dead_letters"]) == (0, 0, [])
    names = [item["name"] for item in (await client.get("/v1/collections")).json()["collections"]]
    assert names == ["bare", "books", "notes"]
    assert (await client.delete(path)).status_code == 204
    assert problem(await client.get(path)) == (404, "collection-not-found")
    assert problem(await client.delete(path)) == (404, "collection-not-found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Upper", {}), ("x" * 64, {}), ("notes", {"schema": {"year": "number"}}),
        ("notes", {"schema": {"": "date"}}), ("notes", {"language": "english"}),
        ("notes", {"unknown": 1}), ("notes", []),
    ],
)  # fmt: skip
async def test_a_bad_collection_is_refused(
    client: httpx.AsyncClient, path: str, body: object
) -> None:
    """Names, keys, types, languages and unknown fields are a 4xx that says why."""
    status, _ = problem(await client.put(f"/v1/collections/{path}", json=body))
    assert status in {400, 422}
    assert len((await client.get("/v1/collections")).json()["collections"]) == 1


@pytest.mark.parametrize("identifier", IDS)
async def test_a_document_of_any_id_goes_round(client: httpx.AsyncClient, identifier: str) -> None:
    """Put, get, list and delete by a percent-encoded id; a plain "/" works as well."""
    path = f"{DOCUMENTS}/{quote(identifier, safe='')}".replace("..", "%2E%2E")
    body = {"text": "Tea is hot.", "title": "Tea", "metadata": {"tags": ["a", "b"], "year": 2020}}
    put = await client.put(path, params={"wait": "true"}, json=body)
    assert (put.status_code, put.json()) == (
        200,
        {"id": identifier, "version": 1, "changed": True, "searchable": True, "reason": ""},
    )
    got = (await client.get(path)).json()
    assert (got["id"], got["text"], got["metadata"]) == (identifier, body["text"], body["metadata"])
    assert [item["id"] for item in (await client.get(DOCUMENTS)).json()["documents"]] == [
        identifier
    ]
    again = await client.put(path, json=body)
    assert (again.status_code, again.json()["changed"]) == (202, False)
    assert (await client.delete(path, params={"wait": "true"})).status_code == 200
    assert problem(await client.get(path)) == (404, "document-not-found")
    assert problem(await client.delete(path)) == (404, "document-not-found")


async def test_a_slash_may_stand_as_it_is(client: httpx.AsyncClient) -> None:
    """Also at the front, and doubled."""
    for identifier in ("a/b", "/etc/x", "a//b"):
        await client.put(f"{DOCUMENTS}/{identifier}", json={"text": "x"})
    listed = (await client.get(DOCUMENTS)).json()["documents"]
    assert [item["id"] for item in listed] == ["/etc/x", "a//b", "a/b"]


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("x", b"{", (400, "invalid-input")),
        ("x", b"", (400, "invalid-input")),
        ("x", b"\xff", (400, "invalid-input")),
        ("x", b'{"text": "\\ud800"}', (400, "invalid-input")),
        ("x", b"[" * 100_000, (400, "invalid-input")),
        ("x", b'{"text": "x", "metadata": {"score": NaN}}', (400, "invalid-input")),
        ("x", b'{"text": "x", "metadata": {"score": 1e999}}', (400, "invalid-input")),
        ("x", b"[]", (400, "invalid-document")),
        ("x", b'{"text": 1}', (400, "invalid-document")),
        ("x", b'{"text": "x", "colour": "red"}', (400, "invalid-document")),
        ("x", b'{"text": "x", "metadata": {"a": {"b": 1}}}', (400, "invalid-document")),
        ("x", b'{"text": "x", "metadata": {"year": "soon"}}', (409, "schema-conflict")),
        ("x", b'{"text": "x", "metadata": {"year": 99999999999999999999}}', None),
        ("x", b'{"text": "x", "id": "y"}', (400, "invalid-document")),
        ("x", b'{"text": "x", "outline": [{"start": 9, "level": 1, "text": "y"}]}', None),
        ("x", b'{"text": "x", "outline": 7}', (400, "invalid-document")),
        ("", b'{"text": "x"}', (400, "invalid-id")),
        ("a%0Ab", b'{"text": "x"}', (400, "invalid-id")),
        ("a%0A", b'{"text": "x"}', (400, "invalid-id")),
        ("%FF", b'{"text": "x"}', (400, "invalid-id")),
        ("a" * 513, b'{"text": "x"}', (400, "invalid-id")),
    ],
)
async def test_a_bad_document_is_refused(
    client: httpx.AsyncClient, path: str, content: bytes, expected: tuple[int, str] | None
) -> None:
    """Each is a 4xx with its own problem, and nothing is stored."""
    await client.put("/v1/collections/books", json={"schema": {"year": "integer"}})
    status, slug = problem(await client.put(f"{DOCUMENTS}/{path}", content=content))
    assert 400 <= status < 500
    assert expected in {None, (status, slug)}
    assert (await client.get(DOCUMENTS)).json() == {"documents": [], "next": None}


async def test_an_unknown_collection_is_named_and_can_be_created(
    client: httpx.AsyncClient,
) -> None:
    """A write to it is a 404 that says how; ``create=true`` makes it."""
    path = "/v1/collections/new/documents"
    for response in (
        await client.put(f"{path}/a", json={"text": "x"}),
        await client.post(path, content=lines({"id": "a", "text": "x"})),
    ):
        assert problem(response) == (404, "collection-not-found")
        assert "create=true" in response.json()["detail"]
    for read in (f"{path}/a", path):
        assert problem(await client.get(read)) == (404, "collection-not-found")
    assert problem(await client.delete(f"{path}/a")) == (404, "collection-not-found")
    made = await client.put(f"{path}/a?create=true", json={"text": "x"})
    assert made.status_code == 202
    bad = await client.put("/v1/collections/Bad/documents/a?create=true", json={"text": "x"})
    assert problem(bad) == (400, "invalid-input")


async def test_a_bad_line_stops_nothing(client: httpx.AsyncClient) -> None:
    """Bulk stores the good lines and names the bad ones by their number."""
    await client.put(f"{DOCUMENTS}/old", json={"text": "x"})
    body = lines(
        {"id": "a", "text": "Tea", "metadata": {"year": 2020}},
        b'{"id": "b", "text": ',
        b"",
        {"id": "c", "text": "Coffee", "metadata": {"year": "soon"}},
        {"delete": "old"},
        {"delete": "absent"},
        {"delete": 1},
        {"text": "no id"},
        {"id": "a\n", "text": "x"},
        {"id": "d", "text": "Water", "outline": [{"start": 0, "level": 1, "text": "Water"}]},
        {"id": "d", "text": "Water", "outline": [{"start": 0, "level": 1, "text": "Water"}]},
    )
    answer = await client.post(DOCUMENTS, params={"wait": "true"}, content=body)
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()
    assert [result[name] for name in ("accepted", "unchanged", "deleted")] == [2, 2, 1]
    assert result["searchable"]
    assert [(item["line"], item["type"]) for item in result["refused"]] == [
        (2, "invalid-input"), (7, "invalid-document"), (8, "invalid-document"),
        (9, "invalid-id"), (4, "schema-conflict"),
    ]  # fmt: skip
    assert result["refused_total"] == 5
    listed = (await client.get(DOCUMENTS)).json()["documents"]
    assert [item["id"] for item in listed] == ["a", "d"]
    assert (await client.get(f"{DOCUMENTS}/d")).json()["outline"][0]["text"] == "Water"


async def test_listing_goes_by_pages_and_prefix(client: httpx.AsyncClient) -> None:
    """``next`` is the ``after`` of the next page."""
    ids = [f"{folder}/{number}" for folder in "ab" for number in range(5)]
    body = lines(*({"id": identifier, "text": "x"} for identifier in ids))
    assert (await client.post(DOCUMENTS, content=body)).status_code == 202
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await client.get(DOCUMENTS, params={"after": after, "limit": 3})).json()
        seen += [item["id"] for item in page["documents"]]
        after = page["next"]
    assert seen == ids
    page = (await client.get(DOCUMENTS, params={"prefix": "b/"})).json()
    assert [item["id"] for item in page["documents"]] == ids[5:]
    for limit in (0, 10**9, "x"):
        assert problem(await client.get(DOCUMENTS, params={"limit": limit}))[0] in {400, 422}


async def test_a_wait_that_runs_out_is_no_error(services: Services, tmp_path: Any) -> None:
    """What is stored is stored: 202 with the reason, for one document and in bulk."""
    async with Indexer(services) as indexer:
        await indexer.create_collection("books")
    path = tmp_path / "other"
    async with open_services(settings_in(path)) as other:
        first = Indexer(other)
        await first.create_collection("books")
        await first.close()
    async with open_services(settings_in(path, bi_encoder="")) as blocked, Indexer(blocked) as late:
        transport = httpx.ASGITransport(application(late))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            wait = {"wait": "true", "timeout_s": "20"}
            one = await client.put(f"{DOCUMENTS}/a", params=wait, json={"text": "x"})
            bulk = await client.post(
                DOCUMENTS, params=wait, content=lines({"id": "b", "text": "x"})
            )
            for answer in (one, bulk):
                assert answer.status_code == 202
                assert not answer.json()["searchable"]
                assert "bi-encoder" in answer.json()["reason"]
            assert (await client.get("/v1/collections/books")).json()["pending"] == 2


async def test_the_openapi_document_describes_bodies_and_answers(
    client: httpx.AsyncClient,
) -> None:
    """Every route has a summary and typed answers."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert len(paths) == 4
    for operations in paths.values():
        for method, operation in operations.items():
            assert operation["tags"] in (["collections"], ["documents"])
            assert operation["description"]
            assert method in {"get", "delete"} or "requestBody" in operation
