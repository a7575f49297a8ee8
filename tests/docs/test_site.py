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

from tests.browser import AXE, CHROMIUM, assert_accessible

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ("index.html", "tutorials/translate-and-publish.html", "explanation/language-matching.html")
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


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # a browser opens several connections at once


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing for a request."""


@pytest.fixture(scope="module")
def origin(site: pathlib.Path) -> Iterator[str]:
    """The site on a server of its own."""
    with _Server(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_every_link_and_picture_of_the_site_leads_to_a_file_of_it(site):
    """The strict build follows the links of texts, but neither pictures nor the navigation."""
    missing = []
    for page in site.rglob("*.html"):
        for link in re.findall(r'\b(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8")):
            target = site / link.removeprefix("/") if link.startswith("/") else page.parent / link
            if "://" not in link and not (target.is_file() or (target / "index.html").is_file()):
                missing.append((str(page.relative_to(site)), link))
    assert missing == []


def test_the_navigation_has_every_page_once():
    pages = (str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md"))
    entries = re.findall(r"^ +- (?:.*: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(entries) == sorted(page for page in pages if not NOT_IN_NAVIGATION.match(page))


@needs_browser
@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_load_nothing_from_other_sites_and_have_no_accessibility_violations(browser, origin, scheme):
    page = await browser.new_page(color_scheme=scheme)
    requested, errors = list[str](), list[str]()
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))

    for path in PAGES:
        await page.goto(origin + path, wait_until="networkidle")
        await assert_accessible(page)
    await page.close()

    assert [url for url in requested if not url.startswith((origin, "blob:", "data:"))] == []
    assert errors == []


@needs_browser
async def test_search_finds_a_page(browser, origin):
    page = await browser.new_page()
    await page.goto(origin)
    await page.keyboard.press("/")
    await page.keyboard.type("continuation token")

    await page.get_by_role("link", name="Paging").first.wait_for()
    await page.close()
