"""The documentation site builds strictly, needs no other host, and has no barriers."""

import functools
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from playwright.async_api import async_playwright

from tests.browser import AXE, CHROMIUM, QUIET, assert_accessible

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ("index.html", "explanation/language-matching.html", "development/benchmarks.html")
NOT_IN_NAVIGATION = re.compile(r"decisions/\d{4}-")  # linked from their index

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install -y chromium")
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="needs Node.js 18 or newer with npm: install them and run `make setup` again"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The site, built strictly from a copy, so that nothing outside `docs/` can take part."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    return folder / "site"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing for a request."""


@pytest.fixture(scope="module")
def origin(site: pathlib.Path) -> Iterator[str]:
    """The site on a server of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_every_page_is_in_the_navigation(site):
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    linked = set(re.findall(r'<a href="(?:\./)?([^"#]+)\.html', (site / "index.html").read_text(encoding="utf-8")))

    expected = {page.removesuffix(".md") for page in pages if not NOT_IN_NAVIGATION.match(page)}
    assert expected - linked - {"index"} == set()


@needs_browser
@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_request_nothing_elsewhere_and_have_no_barriers(origin, scheme):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page(color_scheme=scheme)
        requested, errors = list[str](), list[str]()
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))

        for path in PAGES:
            await page.goto(origin + path, wait_until="networkidle")
            await assert_accessible(page)
        await browser.close()

    assert [url for url in requested if not url.startswith((origin, "blob:", "data:"))] == []
    assert errors == []


@needs_browser
async def test_search_finds_a_page(origin):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page()
        await page.goto(origin)
        await page.keyboard.press("/")
        await page.keyboard.type("continuation token")

        await page.get_by_role("link", name="Paging").first.wait_for()
        await browser.close()
