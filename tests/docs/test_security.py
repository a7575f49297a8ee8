"""The page about security names files that exist, and every chapter of the standard."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs/development/security.md").read_text(encoding="utf-8")


def test_files_that_hold_a_control_exist():
    named = re.findall(r"`((?:service|tests|docs|vendor|\.ci)/[\w./-]+|ARCHITECTURE\.md|pyproject\.toml)`", PAGE)

    assert len(set(named)) > 80
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_chapter_of_the_standard_has_a_table():
    chapters = re.findall(r"^## V(\d+) ", PAGE, re.MULTILINE)

    assert chapters == [str(number) for number in range(1, 15)]
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    assert [row for row in rows if row.count("|") != 4 or row.endswith("|  |")] == []
