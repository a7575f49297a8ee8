"""The command `laurel`: its settings, its exit status, and running it as a module."""

import sys

import pytest

from tests.cli.conftest import TITLE, invoke
from tests.servers import laurel


def test_python_m_service_is_the_command():
    result = laurel("--version", command=(sys.executable, "-m", "service"))

    assert (result.returncode, result.stdout.count(".")) == (0, 2), result.stderr


BAD = {
    "LAUREL_DATA": "",
    "LAUREL_DATABASE_URL": "mysql://user:password@host/db",
    "LAUREL_POOL_SIZE": "0",
    "LAUREL_ISSUER": "",
    "LAUREL_AUDIENCE": " ",
    "LAUREL_JWT_SECRET": "short",
    "LAUREL_JWT_PUBLIC_KEY": "/no/such/file",
    "LAUREL_JWKS_URL": "ftp://host",
    "LAUREL_READ_POLICY": "everyone",
    "LAUREL_DEFAULT_CONTRACT": "5",
    "LAUREL_LOCALE_MAX_DISTANCE": "0",
    "LAUREL_CATALOG_POLL": "nan",
    "LAUREL_PSEUDO_LOCALES": "yes",
    "LAUREL_LOG_LEVEL": "loud",
    "LAUREL_TYPO": "x",
}
COMMANDS = {
    "demo": ("demo",),
    "serve": ("serve",),
    "migrate": ("migrate",),
    "token": ("token", "--xuid", "1"),
    "catalog publish": ("catalog", "publish", "--title", "1"),
    "progress import": ("progress", "import", __file__, "--xuid", "1"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_invalid_setting_aborts_every_command_and_lists_accepted_values(command, name):
    failed = invoke(*command, **{name: BAD[name]})

    assert failed.exit_code == 1
    assert failed.stdout == ""
    (line,) = failed.stderr.splitlines()
    assert line.startswith(f"laurel: {name}: ")
    assert "expected" in line or "unknown setting" in line
    assert "password" not in line.removeprefix(
        "laurel: LAUREL_DATABASE_URL: expected a URL such as postgresql://user:password@"
    )


def test_invalid_setting_aborts_the_installed_command():
    failed = laurel("serve", LAUREL_POOL_SIZE="many")

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        "laurel: LAUREL_POOL_SIZE: expected a number of connections per process, 1 to 100, got 'many'\n"
    )


def test_migrate_reports_an_up_to_date_schema(command):
    assert command("migrate").stdout == "the schema is up to date\n"


def test_installed_command_separates_progress_from_results(own_database, files):
    """Progress is printed as plain lines on standard error, results on standard output."""
    settings = {"LAUREL_DATABASE_URL": own_database}

    imported = laurel("catalog", "import", files / "page.json", "--publish", **settings)
    failed = laurel("catalog", "import", files / "broken.json", **settings)

    assert imported.returncode == 0
    assert imported.stderr.splitlines() == [
        f"import 1/2: {files / 'page.json'}",
        f"import 2/2: publishing title {TITLE}",
    ]
    assert imported.stdout.endswith(f"title {TITLE}: release 1 is published\n")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "\x1b" not in imported.stdout + imported.stderr + failed.stderr
