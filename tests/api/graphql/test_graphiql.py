"""`/graphiql` in a real browser: it works under its content security policy and loads nothing from other hosts."""

import asyncio
import json
import pathlib
import re
import shutil

import pytest
import yarl
from graphql import parse, print_ast
from playwright.async_api import async_playwright

from service import ticks
from service.api.graphql import graphiql
from tests.api.graphql.conftest import USER

GUIDE = (pathlib.Path(__file__).parents[3] / "docs/how-to/badges-graphql.md").read_text(encoding="utf-8")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
EARNED = ticks.parse("2026-11-02T12:00:00.0000000Z")


@pytest.fixture
async def page():
    """An empty page, and what it asked for and complained of."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = await browser.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        yield page
        await browser.close()


async def run(page, until):
    """Press the button, and give what is shown once this text is in it."""
    await page.click(".graphiql-execute-button")
    shown = page.locator(".graphiql-response", has_text=until)
    await shown.wait_for()
    return (await shown.inner_text()).replace("\xa0", " ")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install -y chromium")
async def test_query_with_a_typed_token_shows_badges(client, application, make_context, give, page):
    await make_context(USER)
    await give(1, {1: EARNED})
    origin = str(client.make_url("/"))

    await page.goto(f"{origin}graphiql")
    without = await run(page, "errors")
    await page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(json.dumps({"Authorization": application, "Opigno-Client-UUID": USER}))
    with_token = json.loads(await run(page, "totalItems"))
    await page.get_by_label("Show Documentation Explorer").click()
    await page.get_by_text("getBadges").last.wait_for()
    await page.get_by_label("Open settings dialog").click()  # it writes a style element
    await page.get_by_role("dialog").wait_for()

    assert "put a token here" in without
    assert with_token["data"]["getBadges"]["totalItems"] == 1
    assert with_token["data"]["getBadges"]["nodes"][0]["earned"] == "Monday 2 November 2026"
    assert [url for url in page.asked if not url.startswith((origin, "data:"))] == []
    assert page.complaints == []
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0


async def test_page_starts_with_the_query_of_the_guide(client):
    script = await (await client.get("/graphiql/page.js")).text()
    own = re.search(r"const QUERY = `(.*?)`", script, re.DOTALL)[1]
    shown = re.search(r"'(\{\"query\": \"\{ getBadges.*\})'", GUIDE)[1]

    assert print_ast(parse(own)) == print_ast(parse(json.loads(shown)["query"]))


async def test_every_file_is_served_and_cached_by_clients(client):
    names = [path.name for path in graphiql._FOLDER.iterdir()]
    html = await (await client.get("/graphiql")).text()
    named = re.findall(r'"/graphiql/([^"]+)"', html)

    assert set(named) <= set(names)
    for path in ("/graphiql", "/graphiql/schema.json", *(f"/graphiql/{name}" for name in names)):
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        is_kept = re.search(r"\d\.\d\.\d", path) is not None
        assert (first.status, again.status, await again.read()) == (200, 304, b"")
        for response in (first, again):
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; ")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert ("immutable" in response.headers["Cache-Control"]) == is_kept


@pytest.mark.parametrize(
    "path",
    ["/graphiql/none.js", "/graphiql/..%2fgraphiql.py", "/graphiql/%2e%2e%2f", "/graphiql/page.js/", "/graphiql/"],
)
async def test_unknown_path_is_not_found(client, path):
    response = await client.get(yarl.URL(path, encoded=True))

    assert response.status == 404


async def test_third_party_files_are_small_and_their_licences_are_named():
    files = await asyncio.to_thread(lambda: list(graphiql._FOLDER.iterdir()))
    licences = (graphiql._FOLDER / "LICENSES.txt").read_text(encoding="utf-8")

    assert sum(path.stat().st_size for path in files) < 2_500_000
    for name in ("graphiql", "react", "react-dom", "codemirror", "graphql", "tslib", "entities"):
        assert re.search(rf"^{name}: ", licences, re.MULTILINE)
    kinds = set(re.findall(r"^[@\w./-]+: ([\w.-]+)\n\n", licences, re.MULTILINE))
    project = (graphiql._FOLDER.parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    assert kinds <= set(re.search(r'^license = "(.*)"', project, re.MULTILINE)[1].split(" AND "))
