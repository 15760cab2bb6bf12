"""Takes a picture of a running search page: screenshot.py FILE [URL]."""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Error, async_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ui.conftest import CHROMIUM_ARGUMENTS, chromium_path

_URL = "http://127.0.0.1:8000/?q=cache+the+results+of+a+function"
_VIEWPORT = {"width": 1280, "height": 900}


async def take(file: Path, url: str = _URL) -> None:
    """Open the page, and keep what the window shows."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS
        )
        page = await browser.new_page(viewport=_VIEWPORT, color_scheme="light")
        try:
            await page.goto(url)
        except Error:
            sys.exit(f"Nothing answers at {url}: start scripts/demo first, or name another URL.")
        await page.locator(".result").first.wait_for()
        file.parent.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=file)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), *sys.argv[2:]))
