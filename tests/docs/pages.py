"""The documentation as data: pages, headings, links and fenced blocks."""

import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\(<?([^()\s>]+(?:\([^()\s]*\))?)>?\)")


class Block(NamedTuple):
    """A fenced block: its language as written after the fence, its text, and the line of its fence."""

    language: str
    text: str
    line: int


class Page(NamedTuple):
    """A Markdown file. `name` is its path below the root."""

    name: str
    text: str

    @property
    def path(self) -> pathlib.Path:
        """Where it is."""
        return ROOT / self.name

    @property
    def blocks(self) -> list[Block]:
        """Its fenced blocks, in order."""
        return [Block(m[1], m[2], self.text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(self.text)]

    @property
    def prose(self) -> str:
        """Everything but fenced blocks."""
        return FENCE.sub("", self.text)

    @property
    def anchors(self) -> set[str]:
        """What `#…` may name here. GitHub and the site make the same of a heading."""
        headings = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}

    @property
    def links(self) -> list[str]:
        """The targets of its links and pictures that are not on the web."""
        return [link for link in LINK.findall(self.prose) if not re.match(r"(https?|mailto):", link)]


def read(path: pathlib.Path) -> Page:
    """A page by its file."""
    return Page(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def documents() -> list[Page]:
    """The Markdown files at the root, then those below `docs/`."""
    return [read(path) for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))]


def rows(page: Page, heading: str) -> list[tuple[str, ...]]:
    """The cells of each table row below a heading and above the next one, without backticks."""
    below = re.split(rf"^#+ {re.escape(heading)}$", page.text, maxsplit=1, flags=re.MULTILINE)[1]
    part = re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    tables = re.findall(r"^\|[-:|]+\|\n((?:\|.*\n)+)", part, re.MULTILINE)
    lines = "".join(tables).replace("`", "").splitlines()
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
