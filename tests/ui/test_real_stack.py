"""The page over the real application: embedded stores, hashing models, Chromium."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, expect

from cli.application import create_app, open_runtime
from indexer.draft import Draft
from services.settings import Settings
from tests.ui.conftest import Visits
from tests.ui.texts import collections

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _drafts() -> list[Draft]:
    _, documents = collections()["default"]
    return [
        Draft(
            id=each.id,
            text=each.text,
            title=each.title,
            url=each.url,
            language="en",
            metadata=each.metadata,
            outline=each.outline,
        )
        for each in documents
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def real_origin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The application, serving the almanac."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    settings = Settings(data_dir=data_dir, bi_encoder="hashing", cross_encoder="overlap", hub=False)
    async with open_runtime(settings) as runtime:
        await runtime.indexer.ensure_collection("default")
        outcomes = await runtime.indexer.put("default", _drafts())
        versions = {each.id: each.version for each in outcomes}
        await runtime.indexer.wait_until_indexed("default", versions, timeout_s=60)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()  # so that who comes before the server is ready waits
            config = uvicorn.Config(create_app(runtime), log_level="warning", lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            server.should_exit = True
            await serving


@pytest_asyncio.fixture(loop_scope="session")
async def real_visits(browser: Browser, real_origin: str) -> AsyncIterator[Visits]:
    """Opens pages of the real application."""
    opened = Visits(browser, real_origin)
    yield opened
    await opened.close()
    assert opened.faults == []


async def test_the_whole_way(real_visits: Visits) -> None:
    """Typed words come back marked, explained, faceted and sorted."""
    page = await real_visits.open()
    await page.keyboard.type("winnowing chaff", delay=5)
    await expect(page.locator("h2").first).to_have_text("Winnowing by hand")
    # Stemmed: other forms of the words are marked too.
    await expect(page.locator("mark").first).to_have_text("Winnowing")
    await expect(page.locator(".crumbs").first).to_contain_text("Almanac")
    await expect(page.locator(".summary")).to_contain_text("reranked")
    await expect(page.locator(".notice")).to_have_count(0)
    await page.get_by_text("Why this result").first.click()
    cross_encoder = page.get_by_role("row", name="Cross-encoder").first.locator("td").last
    await expect(cross_encoder).not_to_have_text("–")


async def test_browse_filter_and_page(real_visits: Visits) -> None:
    """Without words: everything, paged, narrowed by facets, sorted."""
    page = await real_visits.open("/?browse=1", java_script_enabled=False)
    await expect(page.locator("#headline")).to_have_text("14 results")
    await page.get_by_role("link", name="More results").click()
    await expect(page.locator(".result")).to_have_count(4)
    await expect(page.get_by_role("checkbox", name="barn")).to_be_visible()
    await page.get_by_role("checkbox", name="barn").check()
    await page.get_by_role("button", name="Apply filters").click()
    await expect(page.locator("#headline")).to_have_text("4 results")
    await page.get_by_label("Sort").select_option("-year")
    await page.get_by_role("button", name="Apply", exact=True).click()
    await expect(page.locator("h2").first).to_have_text("Keeping weevils out of the bins")


async def test_errors_of_the_search_are_pages(real_visits: Visits) -> None:
    """The search's own refusals, as sentences."""
    page = await real_visits.open("/?q=grain&next=forged")
    await expect(page.get_by_role("link", name="Search anew")).to_be_visible()
    await page.goto(real_visits.origin + "/?q=grain&f.year=soon")
    await expect(page.locator(".message")).to_contain_text("'year' is declared as integer")
    await page.goto(real_visits.origin + "/?c=nowhere&q=grain")
    await expect(page.locator(".message")).to_contain_text("nowhere")
