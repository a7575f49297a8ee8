"""Pictures of the workbench for the documentation, taken of the demo in a real browser: `make screenshots`."""

import asyncio
import pathlib
import shutil
import tempfile

from playwright.async_api import Browser, Page, async_playwright

from service.demo import GAME
from tests.servers import laurel, running

FOLDER = pathlib.Path(__file__).parents[3] / "docs" / "images"
TITLE = f"/l10n/{GAME}"
EVERYTHING = '[{"titles": "*", "locales": "*", "can": ["publish", "source"]}]'
SIZE = {"width": 1120, "height": 720}


async def signed_in(browser: Browser, url: str, token: str, *, language: str = "en-US", scheme: str = "light") -> Page:
    """The first page, for somebody with this token."""
    context = await browser.new_context(base_url=url, locale=language, color_scheme=scheme, viewport=SIZE)
    page = await context.new_page()
    await page.goto("/l10n")
    await page.fill("#token", token)
    await page.press("#token", "Enter")
    await page.wait_for_selector(".matrix")
    return page


async def take(url: str, ana_token: str, ben_token: str) -> None:
    """All pictures: what two people see on one morning."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        ana, ben = [await signed_in(browser, url, token) for token in (ana_token, ben_token)]

        # Some of everything, for the page of all titles.
        for number, text, action in (("41", "Il guardiano", "suggest"), ("42", "Una notte di sale", "save")):
            await ana.goto(f"{TITLE}/it-IT/achievement/{number}/name")
            await ana.fill("#text", text)
            await ana.click(f'button[value="{action}"]')
            await ana.wait_for_selector(".good")

        await ana.goto(f"{TITLE}/fr-FR/achievement/1/description")
        await ben.goto(f"{TITLE}/fr-FR/achievement/1/description")
        await ana.fill("#text", "Vous avez allumé le tout premier phare.")
        await ana.click('button[value="save"]')
        await ana.wait_for_selector(".good")
        await ana.screenshot(path=FOLDER / "workbench-editor.png", full_page=True)

        await ben.fill("#text", "Vous avez allumé votre premier phare, enfin.")
        await ben.click('button[value="save"]')
        await ben.wait_for_selector(".three")
        await ben.screenshot(
            path=FOLDER / "workbench-conflict.png", clip={"x": 0, "y": 0, "width": 1120, "height": 460}
        )

        await ana.goto(TITLE)
        await ana.screenshot(path=FOLDER / "workbench-titles.png")

        arabic = await signed_in(browser, url, ana_token, language="ar-SA", scheme="dark")
        await arabic.goto(f"{TITLE}/ar-SA/achievement/1/name?with=fr-FR")
        await arabic.screenshot(path=FOLDER / "workbench-arabic.png")
        await browser.close()


def main() -> None:
    """Start the demo, take the pictures, end it."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="laurel-pictures-") as data,
        running("demo", "--port", 0, "--ops-port", 0, "--data", data) as server,
    ):
        tokens = [
            laurel("token", "--sub", name, "--l10n", EVERYTHING, "--scheme", "bearer", LAUREL_DATA=data).stdout
            for name in ("Ana", "Ben")
        ]
        asyncio.run(take(server.url, *(token.strip() for token in tokens)))


if __name__ == "__main__":
    main()
