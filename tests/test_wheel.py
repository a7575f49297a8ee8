"""The wheel is complete: installed into an empty environment, it serves the demo outside the checkout."""

import json
import pathlib
import re
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
import venv
from collections.abc import Iterator

import pytest

from service.demo import PLAYER
from tests.servers import environment, laurel, running

CHECKOUT = pathlib.Path(__file__).parents[1]
SUFFIXES = {".sql", ".po", ".pot", ".html", ".js", ".css", ".txt"}


@pytest.fixture(scope="module")
def installed() -> Iterator[pathlib.Path]:
    """A folder with a virtual environment that has the wheel; dependencies are those of this environment."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as made:
        folder = pathlib.Path(made)
        _pip("wheel", "--no-deps", "--wheel-dir", folder, CHECKOUT)
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "venv", symlinks=True)
        python = folder / "venv/bin/python"
        _pip("--python", python, "install", "--no-deps", "--no-index", wheel)
        (packages,) = folder.glob("venv/lib/python3.*/site-packages")
        # This .pth adds our packages after the environment's own, without the .pth of the editable install.
        (packages / "lent.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
        yield folder


def _pip(*arguments: object) -> None:
    result = subprocess.run(  # noqa: S603  (the project's own wheel)
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
        cwd="/",
    )
    assert result.returncode == 0, result.stderr


def test_wheel_serves_the_demo_outside_the_checkout(installed):
    command = (str(installed / "venv/bin/laurel"),)
    where = laurel("-c", "import service; print(service.__file__)", command=(str(installed / "venv/bin/python"), "-P"))
    assert pathlib.Path(where.stdout).is_relative_to(installed), where

    demo = ("demo", "--port", 0, "--ops-port", 0, "--data", installed / "data")
    with running(*demo, command=command, folder=installed) as server:
        credential = laurel("token", "--xuid", PLAYER, command=command, LAUREL_DATA=str(installed / "data")).stdout
        languages = {}
        for language in ("fr", "ar"):
            headers = {"Authorization": credential.strip(), "Accept-Language": language, "x-xbl-contract-version": "2"}
            url = f"{server.url}/users/xuid({PLAYER})/achievements"
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:  # noqa: S310
                languages[response.headers["Content-Language"]] = json.load(response)["pagingInfo"]["totalRecords"]

        sign_in = urllib.request.Request(f"{server.url}/l10n/session", headers={"Accept-Language": "fr"})  # noqa: S310
        with urllib.request.urlopen(sign_in) as response:  # noqa: S310
            page = response.read().decode()
        (style,) = re.findall(r'"(/l10n/static/[^"]+\.css)"', page)
        with urllib.request.urlopen(f"{server.url}{style}") as response:  # noqa: S310
            assert response.headers.get_content_type() == "text/css"

    assert "<h1>Se connecter</h1>" in page
    assert set(languages) == {"fr-FR", "ar-SA"}
    assert min(languages.values()) > 73


def test_wheel_contains_all_statements_translations_and_pages(installed):
    (packages,) = installed.glob("venv/lib/python3.*/site-packages")
    pages = "api/graphql/graphiql_files"
    pairs = {"sql/migrations": "_sql/migrations", "sql/queries": "_sql/queries", "locales": "_locales"}
    pairs[f"service/{pages}"] = pages

    for source, target in pairs.items():
        wanted = [file for file in (CHECKOUT / source).rglob("*") if file.suffix in SUFFIXES]
        assert wanted
        for file in wanted:
            copy = packages / "service" / target / file.relative_to(CHECKOUT / source)
            assert copy.read_bytes() == file.read_bytes(), file
