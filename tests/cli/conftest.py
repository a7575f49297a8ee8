"""Commands run in this process, on a database of the test's own, and files for them to import."""

import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from service.cli.main import main
from tests.contract.test_captured import PAGE

TITLE = 4294967295
TOML = """\
title_id = 7
scid = "b5dd9daf-0000-0000-0000-000000000007"
default_locale = "en-US"
name = "Saltglass"

[defaults]
product_id = "12345678-1234-1234-1234-123456789012"
platforms = ["XboxOne"]

[[achievements]]
number = 1
name = "First Light"
description = "Lit the lighthouse."
locked_description = "Light the lighthouse."
media = [{ name = "first-light.png", kind = "Icon", url = "https://images.example/first-light.png" }]
"""
PO = """\
msgid ""
msgstr ""
"Language: fr_FR\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "achievement/1/name"
msgid "First Light"
msgstr "Première lueur"
"""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("LAUREL_") and "TEST" not in name]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def folder() -> Iterator[pathlib.Path]:
    """A folder for the embedded PostgreSQL; not below pytest's, which the user that PostgreSQL runs as cannot enter."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as made:
        yield pathlib.Path(made) / "data"


def invoke(*arguments: object, **settings: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [*map(str, arguments)], env=settings, catch_exceptions=False)


@pytest.fixture
def files(tmp_path) -> pathlib.Path:
    """A folder of valid and broken files to import, each named for what it is."""
    (tmp_path / "locales/fr_FR/LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "locales/fr_FR/LC_MESSAGES/title-7.po").write_text(PO, encoding="utf-8")
    broken = json.loads(json.dumps(PAGE))
    del broken[0]["productId"]
    broken[1]["rewards"][0]["value"] = 10
    contents = {
        "title.toml": TOML,
        "other.toml": TOML.replace("title_id = 7", "title_id = 8"),
        "broken.toml": TOML.replace('name = "First Light"', "name = First Light"),
        "page.json": json.dumps({"achievements": PAGE}),
        "broken.json": json.dumps({"achievements": broken}),
        "half.json": json.dumps({"achievements": PAGE})[:500],
        "empty": "",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(own_database, files):
    """Run a command on the test's own database: `command("catalog", "import", "title.toml")`; `files` are found by name."""

    def run(*arguments: object, status: int = 0, **settings: str) -> Result:
        paths = [files / str(argument) if (files / str(argument)).is_file() else argument for argument in arguments]
        locales = (
            ("--locales", files / "locales") if arguments[:2] in (("catalog", "import"), ("catalog", "check")) else ()
        )
        result = invoke(*paths, *locales, LAUREL_DATABASE_URL=own_database, **settings)
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture
def contents(own_database, tmp_path):
    """The draft of a title as text; None if there is no such title."""

    def read(title_id: int) -> str | None:
        folder = tmp_path / "contents"
        shutil.rmtree(folder, ignore_errors=True)
        result = invoke("catalog", "export", "--title", title_id, "--to", folder, LAUREL_DATABASE_URL=own_database)
        if result.stderr == f"laurel: there is no title {title_id}\n":
            return None
        assert result.exit_code == 0, result.output
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file())

    return read


@pytest.fixture
def title(command):
    """Options for title 7, which is imported."""
    command("catalog", "import", "title.toml")
    return ("--title", 7)
