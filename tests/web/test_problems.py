"""Every error leaves the server as a problem that says what to do and nothing internal."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from services.errors import BackendUnavailable, CollectionNotFound, Unauthorized, WinnowError
from services.web.body_limit import BodyLimit
from services.web.problem_types import problem_types
from services.web.problems import MEDIA_TYPE, ProblemMiddleware, install_problems


class Body(BaseModel):
    size: Annotated[int, Field(le=10)] = 1
    name: str = ""


def application() -> FastAPI:
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.post("/echo")
    async def echo(body: Body) -> Body:
        return body

    @app.get("/fail/{slug}")
    async def fail(slug: str) -> None:
        raise problem_types()[slug]("It went wrong: do this.")

    @app.get("/bug")
    async def bug() -> None:
        raise KeyError("the secret inside")

    @app.get("/later")
    async def later() -> None:
        raise BackendUnavailable("The index is away.", retry_after_s=7)

    app.add_middleware(BodyLimit, max_bytes=100)
    app.add_middleware(ProblemMiddleware)
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def check(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    content: dict[str, object] = answer.json()
    assert content["type"] == f"/problems/{slug}"
    assert content["status"] == status
    assert content["title"]
    assert str(content["detail"])[-1] in ".)"
    return content


@pytest.mark.parametrize("slug", sorted(problem_types()))
async def test_each_error_of_the_tree_is_answered_with_its_own_status(
    client: httpx.AsyncClient, slug: str
) -> None:
    """Status, slug and title come from the error's class, the detail from where it was raised."""
    answer = await client.get(f"/fail/{slug}")
    content = check(answer, problem_types()[slug].status, slug)
    assert content["detail"] == "It went wrong: do this."


async def test_a_problem_type_describes_itself(client: httpx.AsyncClient) -> None:
    """The type of a problem is an address where one can read what it means."""
    answer = await client.get("/problems/collection-not-found")
    assert answer.json()["description"] == "No collection has this name."
    check(await client.get("/problems/unheard-of"), 404, "not-found")


def test_slugs_are_unique() -> None:
    """No two classes answer under one name."""

    def family(kind: type[WinnowError]) -> list[type[WinnowError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in family(child))]

    named = [kind for kind in family(WinnowError) if "slug" in vars(kind)]
    assert len(problem_types()) == len(named)
    assert problem_types()["collection-not-found"] is CollectionNotFound


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"size": 1000000000}', "'size': Input should be less than or equal to 10."),
        (b'{"size": "many"}', "'size': Input should be a valid integer"),
        (b'{"size": ', "The body is not JSON"),
        (b"", "Field required"),
        (b"[]", "valid dictionary"),
        (b"[" * 90, "body"),
        (b"\xff\xfe", "body"),
        (b'{"size": ' + b"9" * 90 + b"}", "'size': "),
    ],
)
async def test_a_faulty_body_is_a_400_that_names_the_field(
    client: httpx.AsyncClient, body: bytes, says: str
) -> None:
    """Whatever is wrong with a body, the answer is a 400 with a sentence."""
    headers = {"content-type": "application/json"}
    answer = await client.post("/echo", content=body, headers=headers)
    assert says in str(check(answer, 400, "invalid-input")["detail"])


async def test_a_wrong_path_and_a_wrong_method(client: httpx.AsyncClient) -> None:
    """Both say where to look; a 405 carries the Allow header."""
    check(await client.get("/nowhere"), 404, "not-found")
    answer = await client.delete("/echo")
    check(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_bug_is_logged_under_an_id_and_shows_nothing(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer holds the incident's id, the log holds the traceback."""
    with caplog.at_level(logging.ERROR, "winnow.web"):
        content = check(await client.get("/bug"), 500, "internal")
    assert "secret" not in str(content)
    assert str(content["incident"]) in caplog.text
    assert "the secret inside" in caplog.text


async def test_headers_that_clients_act_on(client: httpx.AsyncClient) -> None:
    """Retry-After comes with what may pass, WWW-Authenticate with a missing key."""
    assert (await client.get("/later")).headers["retry-after"] == "7"
    unauthorized = await client.get(f"/fail/{Unauthorized.slug}")
    assert unauthorized.headers["www-authenticate"].startswith("Bearer")


async def test_a_body_over_the_cap_is_refused_declared_or_not(client: httpx.AsyncClient) -> None:
    """A declared length is refused unread, a chunked body as soon as it is too long."""
    headers = {"content-type": "application/json"}
    long = b'{"name": "' + b"a" * 200 + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(long), 10):
            yield long[start : start + 10]

    check(await client.post("/echo", content=long, headers=headers), 413, "too-large")
    check(await client.post("/echo", content=chunks(), headers=headers), 413, "too-large")


async def test_a_body_at_the_cap_is_taken(client: httpx.AsyncClient) -> None:
    """The cap itself is allowed."""
    body = b'{"name": "' + b"a" * 88 + b'"}'
    assert len(body) == 100
    headers = {"content-type": "application/json"}
    assert (await client.post("/echo", content=body, headers=headers)).status_code == 200
