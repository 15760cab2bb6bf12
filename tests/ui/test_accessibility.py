"""Accessibility and fit: axe in both colour schemes, phones, motion."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.async_api import Page, expect

from tests.ui.conftest import Visits
from tests.ui.shelf import Shelf

pytestmark = pytest.mark.asyncio(loop_scope="session")

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_PHONE = {"width": 360, "height": 740}


async def _violations(page: Page) -> list[str]:
    # Evaluated, not added as a script element: the page's policy would refuse that.
    await page.evaluate(_AXE)
    found = await page.evaluate("axe.run(document)")
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(visits: Visits, shelf: Shelf, scheme: str) -> None:
    """On the empty page, results with all details open, no results, an error and the help."""
    shelf.degraded = ["cross_encoder_missing"]
    page = await visits.open("/", color_scheme=scheme)
    assert await _violations(page) == []
    for address in ("/?q=grain+chaff&f.place=barn&mode=vector", "/?c=letters&q=hostile"):
        await page.goto(visits.origin + address)
        await page.evaluate(
            "for (const each of document.querySelectorAll('details')) each.open = true"
        )
        await page.keyboard.press("j")
        assert await _violations(page) == []
    for address in ("/?q=zeppelin", "/?q=grain&next=old"):
        await page.goto(visits.origin + address)
        assert await _violations(page) == []
    await page.keyboard.press("?")
    assert await _violations(page) == []


async def test_axe_finds_nothing_on_the_key_form(visits: Visits, keys: set[str]) -> None:
    """Where a key is needed."""
    keys.add("some key")
    page = await visits.open("/")
    assert await _violations(page) == []


@pytest.mark.parametrize("address", ["/", "/?q=grain+chaff&f.place=barn", "/?c=letters&q=hostile"])
async def test_a_phone_scrolls_only_down(visits: Visits, address: str) -> None:
    """Nothing reaches past 360 pixels, with all details open."""
    page = await visits.open(address, viewport=_PHONE)
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= _PHONE["width"]


async def test_filters_fold_on_a_phone_and_not_on_a_desk(visits: Visits) -> None:
    """One disclosure element, open by style where there is room for a column."""
    page = await visits.open("/?q=grain", viewport=_PHONE, has_touch=True)
    await expect(page.get_by_role("checkbox", name="barn")).to_be_hidden()
    await page.get_by_text("Filters", exact=True).click()
    await page.get_by_role("checkbox", name="barn").check()
    await expect(page.locator("#headline")).to_have_text("3 results")
    await expect(page.get_by_role("checkbox", name="barn")).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(visits.origin + "/?q=grain")
    await expect(page.get_by_role("checkbox", name="barn")).to_be_visible()


async def test_colours_follow_the_system(visits: Visits) -> None:
    """Dark paper where the system is dark."""
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await visits.open("/", color_scheme="light")
    dark = await visits.open("/", color_scheme="dark")
    assert await light.evaluate(paper) == "rgb(251, 250, 247)"
    assert await dark.evaluate(paper) == "rgb(20, 23, 21)"


async def test_motion_is_reduced_where_asked(visits: Visits, shelf: Shelf) -> None:
    """The progress bar stands still."""
    shelf.pauses_s["bread"] = 1.5
    page = await visits.open("/", reduced_motion="reduce")
    await page.locator("#q").fill("bread")
    await expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    bar = "getComputedStyle(document.querySelector('.progress'), '::before').animationName"
    assert await page.evaluate(bar) == "none"
    await expect(page.locator("#headline")).to_have_text("2 results")


async def test_the_skip_link_is_first_and_leads_to_the_results(visits: Visits) -> None:
    """For those who go by the tab key."""
    page = await visits.open("/?q=bread")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to results")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("#answer")).to_be_focused()
