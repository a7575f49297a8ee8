"""What the documentation names is there: links, headings, files, make targets."""

import re

import pytest

from tests.docs import pages
from tests.docs.pages import ROOT, Page

DOCUMENTS = pages.documents()
MADE_BY_THE_READER = re.compile(r"mine/.*|page\.json|/openapi\.json|.*\.well-known/jwks\.json|dist/.*")
each_document = pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)


@each_document
def test_every_link_resolves(page: Page):
    assert [link for link in page.links if not _resolves(page, link)] == []


def _resolves(page: Page, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.path.parent / name).resolve() if name else page.path
    if not target.exists():
        return False
    return not anchor or anchor in pages.read(target).anchors


@each_document
def test_every_file_that_is_named_exists(page: Page):
    """A name may leave out the folders before it."""
    folders = ("service", "sql", "tests", "locales", "docs", ".ci")
    tree = {f"/{path.relative_to(ROOT)}" for folder in folders for path in (ROOT / folder).rglob("*.*")}
    tree |= {f"/{path.relative_to(ROOT)}" for folder in (ROOT, ROOT / "vendor") for path in folder.iterdir()}

    named = set(re.findall(r"(?<![\w<>/.$%{-])[\w./-]*\w\.(?:py|sql|md|toml|json)\b", pages.LINK.sub("", page.prose)))
    named = {name for name in named if not MADE_BY_THE_READER.fullmatch(name)}
    assert [name for name in sorted(named) if not any(path.endswith(f"/{name}") for path in tree)] == []


@each_document
def test_every_make_target_that_is_named_exists(page: Page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page.text, re.MULTILINE)) <= targets


def test_the_readme_is_short():
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 250
