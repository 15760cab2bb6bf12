"""A server with the page on a free port, and one Chromium for all tests."""

import os
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from search_api.ui.routes import router
from tests.ui.shelf import Shelf
from tests.ui.texts import collections

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000
KEY = "a-key-for-searching"


def chromium_path() -> str:
    """The browser to drive: WINNOW_CHROMIUM, or one on the PATH."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("WINNOW_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail("The page's tests need Chromium: install it, or set WINNOW_CHROMIUM.")
    return found


@pytest.fixture
def shelf(_served: "Served") -> Iterator[Shelf]:
    """What the served page searches, as it was at first."""
    _served.shelf.__dict__.update(Shelf(collections()).__dict__)
    _served.keys.clear()
    return _served.shelf


@dataclass
class Served:
    """A running server; while ``keys`` is empty everybody may search."""

    shelf: Shelf
    keys: set[str] = field(default_factory=set)
    origin: str = ""

    async def may_search(self, key: str) -> bool:
        """Whether this key is good."""
        return not self.keys or key in self.keys


@pytest.fixture(scope="session")
def _served() -> Iterator[Served]:
    served = Served(Shelf(collections()))
    app = FastAPI()
    app.include_router(router(served.shelf.search, served.shelf.available, served.may_search))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        served.origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield served
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def origin(_served: Served, shelf: Shelf) -> str:
    """Where the page is served, over a fresh shelf."""
    return _served.origin


@pytest.fixture
def keys(_served: Served, shelf: Shelf) -> set[str]:
    """The keys that may search."""
    return _served.keys


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the whole session."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS
        )
        expect.set_options(timeout=PATIENCE_MS)
        yield launched
        await launched.close()


class Visits:
    """Opens pages; at the end none may have logged an error or left the origin."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.origin = origin
        self.faults: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def open(self, address: str = "/", **options: object) -> Page:
        """A page in a context of its own, with the address loaded."""
        context = await self._browser.new_context(**options)
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: self._see_request(request.url))
        page.on("console", lambda message: self._see_message(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        await page.goto(self.origin + address)
        return page

    async def close(self) -> None:
        """Close all."""
        for context in self._contexts:
            await context.close()

    def _see_request(self, url: str) -> None:
        if not url.startswith(self.origin + "/"):
            self.faults.append(f"left the origin: {url}")

    def _see_message(self, kind: str, text: str) -> None:
        # Chromium logs each 4xx and 5xx itself; what the page makes of them is tested.
        if kind in ("error", "warning") and "the server responded with a status of" not in text:
            self.faults.append(f"{kind}: {text}")


@pytest_asyncio.fixture(loop_scope="session")
async def visits(browser: Browser, origin: str) -> AsyncIterator[Visits]:
    """Opens pages, and checks at the end that nothing went wrong on them."""
    opened = Visits(browser, origin)
    yield opened
    await opened.close()
    assert opened.faults == []
