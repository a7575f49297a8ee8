"""The workbench in a real browser: a whole workflow by keyboard, conflicts, and accessibility of every page.

The service works on a database of its own and commits, as two people and players look at the same texts.
"""

import contextlib
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, expect

from service import demo
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.browser import AXE, CHROMIUM, assert_accessible
from tests.factories import PLAYER, SECRET, authorization, bearer

TITLE = demo.GAME
NAME = f"/l10n/{TITLE}/fr-FR/achievement/1/name"
DESCRIPTION = f"/l10n/{TITLE}/fr-FR/achievement/1/description"

SignIn = Callable[..., Awaitable[Page]]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install -y chromium")


@pytest.fixture
async def url(own_database: str) -> AsyncIterator[str]:
    """The whole service with the demo in it, without the first achievement's French description."""
    async with await open_pool(own_database, size=4) as pool:
        await demo.load(pool)
        async with pool.connection() as connection:
            await connection.execute(
                "DELETE FROM text WHERE title_id = $1 AND locale = 'fr-FR' AND key = 'achievement/1/description'", TITLE
            )
        services = await make_services(Settings(jwt_secret=SECRET), pool, Observer(level="error", stream=io.StringIO()))
        async with TestServer(make_application(services)) as server:
            yield str(server.make_url("/")).rstrip("/")


@pytest.fixture
async def sign_in(browser: Browser, url: str) -> AsyncIterator[SignIn]:
    """Signs somebody in with a browser profile of their own; gives the first page. A script error fails the test."""
    async with contextlib.AsyncExitStack() as stack:
        errors: list[str] = []

        async def signed_in(name: str = "Ana", *, can: tuple[str, ...] = ("publish", "source"), **profile: Any) -> Page:
            context: BrowserContext = await browser.new_context(base_url=url, **({"locale": "en-US"} | profile))
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: errors.append(line.text) if "Security Policy" in line.text else None)
            await page.goto("/l10n")
            await page.wait_for_selector("#token:focus")
            await page.keyboard.insert_text(bearer(name, can=can))
            await page.keyboard.press("Enter")
            await page.wait_for_selector(".matrix")
            return page

        yield signed_in
        assert errors == []


async def served(page: Page) -> Any:
    """The first achievement as a player gets it in French."""
    answer = await page.request.get(
        f"/users/xuid({PLAYER})/achievements?titleId={TITLE}&maxItems=1000",
        headers={"Authorization": authorization(), "Accept-Language": "fr", "x-xbl-contract-version": "2"},
    )
    achievements = json.loads(await answer.body())["achievements"]
    return next(achievement for achievement in achievements if achievement["id"] == "1")


async def test_whole_workflow_needs_only_the_keyboard(sign_in):
    """A missing text is written, reviewed, published and rolled back."""
    ana = await sign_in(can=("translate",))

    # Find what is missing in French.
    await ana.get_by_label("1 Missing, French (France)").focus()
    await ana.keyboard.press("Enter")
    await ana.wait_for_url("**filter=missing")
    await ana.keyboard.press("Alt+ArrowDown")
    await ana.keyboard.press("Enter")
    await ana.wait_for_selector("#text:focus")

    # Hit the limit: the counter turns red, typing goes on, and nothing is saved.
    await ana.keyboard.insert_text("é" * 101)
    await expect(ana.locator("#counter.over b")).to_have_text("101")
    await ana.keyboard.press("Control+Enter")
    await expect(ana.locator("#said")).to_contain_text("101 characters, 100 are allowed")

    # The card shows what is typed; Ctrl+Enter saves it and goes on to the end of the list.
    await ana.keyboard.press("Control+A")
    await ana.keyboard.insert_text("Le phare est allumé.")
    await expect(ana.locator(".unlocked p")).to_have_text("Le phare est allumé.")
    await expect(ana.locator(".unlocked p")).to_have_attribute("lang", "fr-FR")
    await expect(ana.locator(".locked p")).not_to_have_text("Le phare est allumé.")
    await expect(ana.locator("#counter")).not_to_have_class(re.compile("over"))
    await ana.keyboard.press("Control+Enter")
    await expect(ana.get_by_text("There is no such string.")).to_be_visible()

    # A second person reviews it, and publishes.
    ben = await sign_in("Ben")
    await ben.goto(f"/l10n/{TITLE}/fr-FR?filter=unpublished")
    await ben.keyboard.press("Alt+ArrowDown")
    await ben.keyboard.press("Enter")
    await expect(ben.locator("#text")).to_have_value("Le phare est allumé.")
    await expect(ben.locator(".history li").first).to_contain_text("Ana")
    await ben.get_by_role("button", name="Approve").focus()
    await ben.keyboard.press("Enter")
    await expect(ben.locator("#said")).to_have_text("Saved.")
    await expect(ben.locator("h1 .state")).to_have_text("Approved")
    assert (await served(ben))["description"] != "Le phare est allumé."
    await ben.goto(f"/l10n/{TITLE}/releases")
    await expect(ben.locator("main")).to_contain_text("1 text changes")
    await ben.get_by_label("Note").focus()
    await ben.keyboard.type("French, whole again")
    await ben.keyboard.press("Enter")
    await expect(ben.locator("main")).to_contain_text("Nothing: players see all that is ready.")
    assert (await served(ben))["description"] == "Le phare est allumé."

    # And takes it back.
    await ben.get_by_label("Go back to release 1").focus()
    await ben.keyboard.press("Enter")
    await expect(ben.locator("main")).to_contain_text("1 text changes")
    assert (await served(ben))["description"] != "Le phare est allumé."


async def test_two_editors_of_one_string_resolve_the_conflict(sign_in):
    ana, ben = await sign_in(), await sign_in("Ben")
    await ana.goto(NAME)
    await ben.goto(NAME)
    await expect(ben.locator(".notice")).to_have_text("Ana opened this just now.")
    await ana.fill("#text", "Lueur d’Ana")
    await ana.get_by_role("button", name="Save", exact=True).click()
    await expect(ana.locator("#said")).to_have_text("Saved.")

    await ben.fill("#text", "Lueur de Ben")
    await ben.keyboard.press("Control+Enter")

    await expect(ben.locator("h1")).to_have_text("Somebody else was faster")
    await expect(ben.locator(".three")).to_contain_text("Ana")
    await expect(ben.locator(".three .panel").last).to_contain_text("Ben")
    await ben.get_by_role("button", name="Go on editing mine").click()
    await expect(ben.locator("#text")).to_have_value("Lueur de Ben")
    await ben.fill("#text", "Lueur d’Ana et de Ben")
    await ben.keyboard.press("Control+Enter")
    await ben.wait_for_url("**from=achievement*")
    await ben.goto(NAME)
    await expect(ben.locator("#text")).to_have_value("Lueur d’Ana et de Ben")


async def test_expired_session_loses_no_text(sign_in):
    ana = await sign_in()
    await ana.goto(NAME)
    await ana.fill("#text", "Lueur d’Ana")
    await ana.context.clear_cookies()

    await ana.keyboard.press("Control+Enter")

    await expect(ana.locator("#said")).to_contain_text("sign in")
    await expect(ana.locator("#text")).to_have_value("Lueur d’Ana")


async def test_alt_and_arrow_keys_open_the_previous_and_next_string(sign_in):
    ana = await sign_in()
    await ana.goto(f"/l10n/{TITLE}/fr-FR")
    await ana.keyboard.press("Alt+ArrowDown")
    await ana.keyboard.press("Enter")
    await ana.wait_for_url("**/achievement/1/description")

    await ana.keyboard.press("Alt+ArrowDown")
    await ana.wait_for_url("**/achievement/1/locked_description?from=*")
    await ana.keyboard.press("Alt+ArrowUp")

    await ana.wait_for_url("**/achievement/1/description")


async def test_pages_work_without_javascript(sign_in):
    ana = await sign_in(java_script_enabled=False)
    await ana.goto(DESCRIPTION)
    await ana.fill("#text", "Le phare est allumé.")
    await ana.get_by_label("then open the next string").check()

    await ana.get_by_role("button", name="Save", exact=True).click()

    await expect(ana.locator("h1")).to_contain_text("achievement/1/locked_description")


async def test_markup_in_a_text_is_not_executed(sign_in):
    ana = await sign_in("<img src=x onerror=alert(1)>")
    asked: list[str] = []
    ana.on("dialog", lambda dialog: asked.append(dialog.message))
    await ana.goto(NAME.replace("fr-FR", "en-US"))
    await ana.fill("#text", "<img src=x onerror=alert(1)>")
    await expect(ana.locator(".locked b")).to_have_text("<img src=x onerror=alert(1)>")

    await ana.get_by_role("button", name="Save", exact=True).click()
    await expect(ana.locator("#said")).to_have_text("Saved.")

    assert asked == []
    assert await ana.locator("main img[src=x]").count() == 0


@pytest.mark.skipif(
    not AXE.exists(), reason="needs Node.js 18 or newer with npm: install them and run `make setup` again"
)
@pytest.mark.parametrize(("scheme", "language"), [("light", "en-US"), ("dark", "ar-SA")])
async def test_no_page_has_a_serious_accessibility_problem(sign_in, scheme, language):
    """Axe finds nothing serious or critical on any page, in light and dark mode, in both directions."""
    profile = {"color_scheme": scheme, "locale": language, "bypass_csp": True}  # axe comes from without
    ana, ben = await sign_in(**profile), await sign_in("Ben")
    await ben.goto(NAME)
    paths = [
        "/l10n",
        f"/l10n/{TITLE}/ar-SA?filter=translated&with=fr-FR",
        f"/l10n/{TITLE}/it-IT?q=nothing+of+it",
        DESCRIPTION,
        NAME,
        f"/l10n/{TITLE}/imports",
        f"/l10n/{TITLE}/releases",
        f"/l10n/{TITLE}/releases/1",
        "/l10n/session",
        "/l10n/nothing/here/at/all",
    ]

    for path in paths:
        await ana.goto(path)
        await assert_accessible(ana)

    await ana.goto(DESCRIPTION)
    await ana.fill("#text", "é" * 101)
    await ana.locator("button.main").click()
    await ana.wait_for_selector(".problem")
    await assert_accessible(ana)
    await ana.goto(NAME)
    await ben.fill("#text", "First Light")
    await ben.get_by_role("button", name="Save", exact=True).click()
    await ben.wait_for_selector(".good")
    await ana.fill("#text", "Autre")
    await ana.locator("button.main").click()
    await ana.wait_for_selector(".three")
    await assert_accessible(ana)
    await ana.goto(NAME)
    await ana.wait_for_selector(".remark")  # the same as its source
    await assert_accessible(ana)
    await ana.goto(f"/l10n/{TITLE}/releases")
    await assert_accessible(ana)
    await ana.goto(f"/l10n/{TITLE}/imports")
    file = {"name": "one.po", "mimeType": "text/plain", "buffer": PO}
    await ana.set_input_files("#file", [file])
    await ana.locator("button.main").click()
    await ana.wait_for_selector(".state.changed")
    await assert_accessible(ana)


async def test_form_whose_work_takes_long_says_so_and_is_sent_once(sign_in):
    ana = await sign_in()
    await ana.goto(f"/l10n/{TITLE}/releases")
    await ana.evaluate(
        """() => addEventListener("submit", (event) => {
            window.sent = (window.sent ?? 0) + !event.defaultPrevented;
            event.preventDefault();
        })"""
    )
    schedule = ana.get_by_role("button", name="Schedule")

    await schedule.click()
    await expect(ana.get_by_role("status")).to_contain_text("Please wait")
    await schedule.click()

    assert await ana.evaluate("window.sent") == 1


PO = b"""\
msgid ""
msgstr "Language: fr_FR\\nContent-Type: text/plain; charset=UTF-8\\n"

msgctxt "achievement/1/name"
msgid "First Light"
msgstr "Lueur"
"""
