"""The page over HTTP: statuses, headers, key, files."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from search_api.ui.routes import KEY_COOKIE, router
from tests.ui.shelf import Shelf
from tests.ui.texts import collections


@pytest.fixture
def keys() -> set[str]:
    """The keys that may search; everybody may while there are none."""
    return set()


@pytest.fixture
def shelf() -> Shelf:
    """What is searched."""
    return Shelf(collections())


@pytest.fixture
async def client(shelf: Shelf, keys: set[str]) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the routes without a socket."""
    app = FastAPI()

    async def may_search(key: str) -> bool:
        return not keys or key in keys

    app.include_router(router(shelf.search, shelf.available, may_search))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://winnow") as connected:
        yield connected


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/?c=nowhere&q=grain", 404, "There is no collection named &#39;nowhere&#39;."),
        ("/?q=grain&f.year=soon", 400, "&#39;year&#39; is declared as integer"),
        ("/?q=grain&f.nokey=1", 400, "declares no key"),
        ("/?q=grain&sort=nokey", 400, "declares no key"),
        ("/?q=grain&mode=bogus", 400, "&#39;mode&#39; is one of"),
        ("/?q=grain&next=old", 410, "This result list has expired"),
        ("/assets/nothing.js", 404, "There is no such file."),
    ],
)
async def test_errors_are_pages(
    client: httpx.AsyncClient, address: str, status: int, said: str
) -> None:
    """Each with its status, a sentence, the search field and a way on."""
    answer = await client.get(address)
    assert answer.status_code == status
    assert said in answer.text
    assert 'id="q"' in answer.text
    assert 'class="button"' in answer.text


async def test_a_fragment_has_the_same_status(client: httpx.AsyncClient) -> None:
    """A script sees what the page would have shown."""
    answer = await client.get("/?q=grain&next=old&fragment=1")
    assert answer.status_code == 410
    assert answer.text.lstrip().startswith('<div class="fragment"')


async def test_unavailable_says_when_to_come_back(client: httpx.AsyncClient, shelf: Shelf) -> None:
    """503 with Retry-After."""
    shelf.down = True
    answer = await client.get("/?q=grain")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "No index answered: try again shortly." in answer.text


async def test_nothing_to_search_yet(client: httpx.AsyncClient, shelf: Shelf) -> None:
    """The first page of an empty Winnow says what to do."""
    shelf.collections = {}
    answer = await client.get("/")
    assert answer.status_code == 200
    assert "winnow ingest PATH" in answer.text


@pytest.mark.parametrize(
    "query", [" ", "x" * 4_097, "\x00\x1b[31m", "*", "🌾", '"', "-", "\u202e", "{{7*7}}", "%ff"]
)
async def test_any_query_is_answered(client: httpx.AsyncClient, query: str) -> None:
    """Whatever is typed, a page comes back and repeats it unharmed."""
    answer = await client.get("/", params={"q": query, "f.place": "barn"})
    assert answer.status_code == 200
    assert ">49<" not in answer.text


@pytest.mark.parametrize("address", ["/", "/?q=grain", "/?q=grain&next=old", "/assets/page.js"])
async def test_every_answer_is_guarded(client: httpx.AsyncClient, address: str) -> None:
    """A strict policy without anything inline, no sniffing, no referrer for others."""
    headers = (await client.get(address)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


async def test_the_page_holds_nothing_inline(client: httpx.AsyncClient) -> None:
    """No script or style in the markup, and no address that leaves."""
    text = (await client.get("/?q=grain")).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", text)
    own = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', text)
    assert own
    assert all(address.startswith("/assets/") for address in own)


async def test_files_are_cached_for_ever_under_their_version(client: httpx.AsyncClient) -> None:
    """And asked for again under any other."""
    text = (await client.get("/")).text
    for address in set(re.findall(r'"(/assets/[^"]*)"', text)):
        lasting = await client.get(address)
        assert lasting.status_code == 200
        assert "immutable" in lasting.headers["cache-control"]
        passing = await client.get(address.partition("?")[0])
        assert passing.headers["cache-control"] == "no-cache"
    assert (await client.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


async def test_head_answers_as_get(client: httpx.AsyncClient) -> None:
    """For those who only look whether the page is there."""
    assert (await client.head("/")).status_code == 200


async def test_the_key_form(client: httpx.AsyncClient, keys: set[str]) -> None:
    """A wrong key is refused; a right one is kept where no script reads it, and forgotten."""
    keys.add("right")
    locked = await client.get("/?q=grain")
    assert locked.status_code == 401
    assert "Winnowing by hand" not in locked.text
    assert "default" not in locked.text
    assert (await client.post("/key", data={"key": "wrong"})).status_code == 401
    assert (await client.post("/key", data={"key": "schlüssel"})).status_code == 401
    accepted = await client.post("/key", data={"key": "right"})
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/")
    cookie = accepted.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.cookies[KEY_COOKIE] == "right"
    assert "Winnowing by hand" in (await client.get("/?q=grain+chaff")).text
    keys.clear()
    keys.add("another")
    assert "no longer valid" in (await client.get("/")).text
    await client.post("/key", data={"key": ""})
    assert KEY_COOKIE not in client.cookies


async def test_an_endless_key_is_refused(client: httpx.AsyncClient) -> None:
    """Before it fills the memory."""
    assert (await client.post("/key", content=b"key=" + b"x" * 100_000)).status_code == 413
