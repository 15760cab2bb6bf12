"""The page in a browser that runs its script."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.ui.conftest import Visits
from tests.ui.shelf import Shelf

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _address(page: Page, visits: Visits) -> str:
    return page.url.removeprefix(visits.origin)


async def test_search_as_you_type(visits: Visits) -> None:
    """Results, address, title and the spoken count follow the field; the focus stays in it."""
    page = await visits.open()
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type("leaven", delay=20)
    await expect(page.locator("#headline")).to_have_text("2 results")
    await expect(page.locator("#live")).to_have_text("2 results")
    await expect(page.locator("#q")).to_be_focused()
    await expect(page).to_have_title("leaven – Winnow")
    assert _address(page, visits) == "/?q=leaven&c=default"
    await page.reload()
    await expect(page.locator("#headline")).to_have_text("2 results")


async def test_answers_out_of_order_are_discarded(visits: Visits, shelf: Shelf) -> None:
    """A slow answer to an earlier query never covers the answer to a later one."""
    shelf.pauses_s["grain"] = 1.5
    page = await visits.open()
    # A browser that cannot cancel what it asked for: the order of answers alone decides.
    await page.evaluate("AbortController.prototype.abort = () => {}")
    await page.locator("#q").fill("grain")
    await expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    await page.locator("#q").fill("leaven")
    await expect(page.locator("#headline")).to_have_text("2 results")
    await page.wait_for_timeout(1_600)
    assert shelf.asked == ["grain", "leaven"]
    await expect(page.locator("#headline")).to_have_text("2 results")
    await expect(page.locator("html")).not_to_have_class("js busy")


async def test_loading_is_said(visits: Visits, shelf: Shelf) -> None:
    """While an answer is on its way the results are marked as busy."""
    shelf.pauses_s["bread"] = 1.5
    page = await visits.open("/?q=leaven")
    await page.locator("#q").fill("bread")
    await expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    await expect(page.locator("#q")).to_have_value("bread")
    await expect(page.locator("h2").first).to_contain_text("Rye on poor soil")
    await expect(page.locator("#answer")).not_to_have_attribute("aria-busy", "true")


async def test_back_and_forward(visits: Visits) -> None:
    """Back leads from one search to the one before, not from letter to letter."""
    page = await visits.open()
    await page.keyboard.type("leaven", delay=10)
    await expect(page.locator("#headline")).to_have_text("2 results")
    await page.keyboard.press("Enter")
    await page.locator("#q").fill("rye")
    await expect(page.locator("#headline")).to_have_text("1 result")
    await page.keyboard.press("Enter")
    await page.get_by_label("Words").check()
    await expect(page.locator(".summary")).to_contain_text("by words, reranked")
    await expect(page.get_by_label("Words")).to_be_focused()
    await page.go_back()
    await expect(page.locator(".summary")).to_contain_text("by words and meaning")
    await page.go_back()
    await expect(page.locator("#q")).to_have_value("leaven")
    await expect(page.locator("#headline")).to_have_text("2 results")
    await page.go_back()
    await expect(page.locator("html")).to_have_attribute("data-view", "home")
    await expect(page.locator("#q")).to_have_value("")
    await page.go_forward()
    await expect(page.locator("#headline")).to_have_text("2 results")


async def test_facets_apply_at_once_and_keep_their_focus(visits: Visits) -> None:
    """Two values of one facet widen, another facet narrows; the address holds all."""
    page = await visits.open("/?q=the")
    await page.get_by_role("checkbox", name="barn").check()
    await expect(page.locator("#headline")).to_have_text("4 results")
    await expect(page.get_by_role("checkbox", name="barn")).to_be_focused()
    await page.get_by_role("checkbox", name="mill").check()
    await expect(page.locator("#headline")).to_have_text("6 results")
    await page.get_by_role("checkbox", name="summer").check()
    await expect(page.locator(".active li")).to_have_count(4)
    await page.get_by_role("link", name="Clear all").click()
    await expect(page.locator("#headline")).to_have_text("13 results")
    await page.get_by_role("link", name="More results").click()
    await expect(page.locator(".result")).to_have_count(3)
    await expect(page.locator("#answer")).to_be_focused()


async def test_keyboard(visits: Visits) -> None:
    """The field, the results, explain, the help, and back, without a mouse."""
    page = await visits.open("/?q=leaven")
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    results = page.locator(".result")
    await page.keyboard.press("ArrowDown")
    await expect(results.nth(0)).to_be_focused()
    await page.keyboard.press("j")
    await expect(results.nth(1)).to_be_focused()
    await page.keyboard.press("j")
    await expect(results.nth(1)).to_be_focused()
    await page.keyboard.press("e")
    await expect(results.nth(1).locator(".why table")).to_be_visible()
    await page.keyboard.press("k")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Escape")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type("j/?")
    await expect(page.locator("#q")).not_to_have_value("leaven")
    await page.keyboard.press("Escape")
    await expect(page.locator("#q")).to_have_value("")
    await expect(page.locator("html")).to_have_attribute("data-view", "home")


async def test_help(visits: Visits) -> None:
    """The list of shortcuts opens and closes by keyboard and by mouse."""
    page = await visits.open("/?q=leaven")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    await page.keyboard.press("?")
    await expect(shortcuts).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(shortcuts).to_be_hidden()
    await page.get_by_role("button", name="Keyboard shortcuts").click()
    await expect(shortcuts).to_be_visible()


async def test_enter_opens_a_result(visits: Visits) -> None:
    """As its title would; the page that it asks for is the document's."""
    page = await visits.open("/?q=leaven")
    opened: list[str] = []

    async def intercept(route: Route) -> None:
        opened.append(route.request.url)
        await route.fulfill(status=204)

    await page.route("https://example.org/**", intercept)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_timeout(100)
    assert opened == ["https://example.org/almanac/kitchen/8.html"]
    visits.faults = [fault for fault in visits.faults if "example.org" not in fault]


async def test_degraded_answers_say_so(visits: Visits, shelf: Shelf) -> None:
    """In plain sentences above the results."""
    shelf.degraded = ["cross_encoder_missing", "vector_timeout"]
    page = await visits.open("/?q=bread")
    notice = page.get_by_role("note")
    await expect(notice).to_contain_text("No reranking model is installed")
    await expect(notice).to_contain_text("Search by meaning took too long")


async def test_errors_while_typing_are_shown(visits: Visits, shelf: Shelf) -> None:
    """An answer of 503 takes the results' place, and typing on recovers."""
    page = await visits.open("/?q=bread")
    shelf.down = True
    await page.locator("#q").fill("leaven")
    await expect(page.get_by_text("No index answered")).to_be_visible()
    shelf.down = False
    await page.get_by_role("link", name="Try again").click()
    await expect(page.locator("#headline")).to_have_text("2 results")


async def test_a_server_that_is_gone_is_said(visits: Visits) -> None:
    """Without losing the words in the field."""
    page = await visits.open("/?q=bread")
    await page.route("**/*fragment=1*", lambda route: route.abort())
    await page.locator("#q").fill("leaven")
    await expect(page.get_by_role("heading", name="The server did not answer")).to_be_visible()
    await expect(page.locator("#q")).to_have_value("leaven")
    visits.faults = [fault for fault in visits.faults if "ERR_FAILED" not in fault]


@pytest.mark.parametrize("script", [True, False])
async def test_hostile_documents_and_queries_stay_text(visits: Visits, script: bool) -> None:
    """Markup in titles, texts, headings, metadata, addresses and queries is shown, never run."""
    query = "hostile \"><img src=x onerror='window.attacked = 6'>"
    page = await visits.open("/?c=letters", java_script_enabled=script)
    await page.locator("#q").fill(query)
    await page.locator("#q").press("Enter")
    await expect(page.locator("#headline")).to_have_text("3 results")
    attack = page.locator(".result", has_text="window.attacked = 1")
    await expect(attack.locator("h2")).to_have_text(
        "<script>window.attacked = 1</script><img src=x onerror='window.attacked = 2'>"
    )
    await expect(attack.locator(".passage")).to_contain_text("{{ 7 * 7 }} &amp; end.")
    await expect(attack.locator("mark").first).to_have_text("hostile")
    await expect(attack.locator(".crumbs")).to_have_text("<u>heading</u>")
    await expect(page.locator("main :is(script, img, iframe, b, i, u)")).to_have_count(0)
    await expect(attack.locator("h2 a")).to_have_count(0)
    await expect(page.locator("main a.title")).to_have_count(1)
    await page.get_by_label("<i>nobody</i>").check()
    if script:
        await expect(page.locator("#headline")).to_have_text("1 result")
        assert await page.evaluate("window.attacked") is None
    await expect(page.locator("#q")).to_have_value(query)
