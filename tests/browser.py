"""Headless Chromium, and accessibility checks with axe."""

import asyncio
import contextlib
import pathlib
import shutil
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = shutil.which("chromium")
AXE = pathlib.Path(__file__).parent / "node/node_modules/axe-core/axe.min.js"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # pages must not need another host
)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Headless Chromium for as long as the block runs."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


async def assert_accessible(page: Page) -> None:
    """Fail if axe finds a serious or critical violation on the page, whose CSP must allow evaluated scripts."""
    await page.evaluate(await asyncio.to_thread(AXE.read_text, encoding="utf-8"))
    result = await page.evaluate("() => axe.run()")
    serious = [
        (page.url, violation["id"], [node["html"] for node in violation["nodes"]][:3])
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert len(result["passes"]) > 10
