"""The page in a browser that runs no scripts."""

import pytest
from playwright.async_api import expect

from tests.ui.conftest import KEY, Visits

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_search_filter_page_and_back(visits: Visits) -> None:
    """Words, a facet, the next page, the first one and an expired one, by forms and links."""
    page = await visits.open("/", java_script_enabled=False)
    await page.get_by_role("searchbox", name="Search").fill("the")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#headline")).to_have_text("13 results")
    await expect(page.locator(".result")).to_have_count(10)
    await page.get_by_role("link", name="More results").click()
    await expect(page.locator(".result")).to_have_count(3)
    await expect(page.locator("ol.results")).to_have_attribute("start", "11")
    await expect(page.get_by_role("searchbox")).to_have_value("the")
    await page.get_by_role("link", name="First results").click()
    await page.get_by_label("barn").check()
    await page.get_by_label("kitchen").check()
    await page.get_by_role("button", name="Apply filters").click()
    await expect(page.locator("#headline")).to_have_text("7 results")
    await expect(page.get_by_label("field")).to_be_visible()
    await page.get_by_role("link", name="Remove the filter place: barn").click()
    await expect(page.locator("#headline")).to_have_text("3 results")
    assert page.url.endswith("/?c=default&q=the&f.place=kitchen")


async def test_options_and_collections(visits: Visits) -> None:
    """Mode, reranking and sort take one press of a button; a collection is a link."""
    page = await visits.open("/?q=bread", java_script_enabled=False)
    await page.get_by_label("Words").check()
    await page.get_by_label("Reranking").select_option("none")
    await page.get_by_label("Sort").select_option("-year")
    await page.get_by_role("button", name="Apply", exact=True).click()
    await expect(page.locator(".summary")).to_contain_text("by words")
    await expect(page.locator(".summary")).not_to_contain_text("reranked")
    await expect(page.get_by_label("Sort")).to_have_value("-year")
    await expect(page.locator("h2").first).to_have_text("Bread from a slow dough")
    await page.get_by_role("link", name="letters").click()
    await expect(page.locator("#headline")).to_have_text("No results")
    await page.get_by_role("link", name="Browse everything").click()
    await expect(page.locator("#headline")).to_have_text("3 results")


async def test_details_open_without_scripts(visits: Visits) -> None:
    """Explain, the whole passage and the stages are plain disclosure elements."""
    page = await visits.open("/?q=chaff", java_script_enabled=False)
    await page.get_by_text("Why this result").first.click()
    await expect(page.get_by_role("row", name="Words (BM25) 1 9.250")).to_be_visible()
    await page.get_by_text("Whole passage").click()
    await expect(page.get_by_text("nothing already clean is soiled again")).to_be_visible()
    await page.get_by_text("How this was answered").click()
    await expect(page.get_by_role("rowheader", name="Reranking", exact=True)).to_be_visible()


async def test_an_expired_list_leads_to_a_new_search(visits: Visits) -> None:
    """410 is a sentence and a link that keeps words and choices."""
    page = await visits.open("/?q=grain&f.place=barn&next=old", java_script_enabled=False)
    await expect(page.get_by_role("heading")).to_contain_text("expired")
    await page.get_by_role("link", name="Search anew").click()
    await expect(page.locator("#headline")).to_have_text("3 results")


async def test_the_key_opens_the_page(visits: Visits, keys: set[str]) -> None:
    """The form stands where the results would be, and gives way to them."""
    keys.add(KEY)
    page = await visits.open("/", java_script_enabled=False)
    await page.get_by_label("Search key").fill(KEY)
    await page.get_by_role("button", name="Use this key").click()
    await page.get_by_role("searchbox").fill("leaven")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page.locator("#headline")).to_have_text("2 results")
