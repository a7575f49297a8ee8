"""The command `laurel`: what it serves, says, refuses and leaves behind."""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.cli.main import main
from service.demo import PLAYER
from tests.contract.test_captured import PAGE
from tests.factories import SECRET
from tests.servers import PATIENCE, laurel, processes_on, running

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
def _nothing_is_set(monkeypatch):
    for name in [name for name in os.environ if name.startswith("LAUREL_") and "TEST" not in name]:
        monkeypatch.delenv(name)


def wait_for_the_end(processes: Mapping[int, str]) -> None:
    """Returns when none of them is left; fails if one stays."""
    deadline = time.monotonic() + PATIENCE
    for number, line in processes.items():
        try:
            handle = os.pidfd_open(number)
        except ProcessLookupError:
            continue
        ended, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        os.close(handle)
        assert ended, line


@pytest.fixture(scope="module")
def folder() -> Iterator[pathlib.Path]:
    """A folder for the embedded Postgres. Not under pytest's own: Postgres runs as another user."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as made:
        yield pathlib.Path(made) / "data"


def answered(url: str, credential: str, language: str = "en") -> dict[str, Any]:
    """The demo player's achievements in a language, as curl would ask for them."""
    request = urllib.request.Request(  # noqa: S310  (our own server)
        f"{url}/users/xuid({PLAYER})/achievements?maxItems=100",
        headers={"Authorization": credential, "x-xbl-contract-version": "2", "Accept-Language": language},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
        return {"language": response.headers["Content-Language"], **json.load(response)}


def test_the_demo_starts_again_after_every_kind_of_end(folder):
    """A first start, one that SIGTERM ends, one that is killed, one that Ctrl-C ends: nothing is left of any."""
    demo = ("demo", "--port", 0, "--ops-port", 0, "--data", folder)
    pages = []
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        with running(*demo) as server:
            credential = laurel("token", "--xuid", PLAYER, LAUREL_DATA=str(folder)).stdout.strip()
            pages.append([answered(server.url, credential, language) for language in ("fr", "ar", "en")])
            started = processes_on(folder)
            assert any("postgres" in line for line in started.values())

            status = server.end(number)

        assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0), server.said
        wait_for_the_end(started)
        assert not processes_on(folder)

    first, *later = pages
    assert [page["language"] for page in first] == ["fr-FR, en-US", "ar-SA, en-US", "en-US"]
    assert first[0]["pagingInfo"]["totalRecords"] > 73
    arabic = "".join(item["name"] for item in first[1]["achievements"])
    assert any("\u0600" <= letter <= "\u06ff" for letter in arabic)
    assert later == [first] * 2
    assert (folder / "signing-secret").stat().st_mode & 0o077 == 0


def test_the_demo_prints_a_token_that_opens_the_workbench_for_a_day(folder):
    with running("demo", "--port", 0, "--ops-port", 0, LAUREL_DATA=str(folder)) as server:
        token = server.line("editor ")
        body = urllib.parse.urlencode({"token": token}).encode()
        with urllib.request.build_opener(StayHere).open(f"{server.url}/l10n/session", body, PATIENCE) as response:
            cookie = response.headers["Set-Cookie"]

    (seconds,) = re.findall(r"Max-Age=(\d+)", cookie)
    assert 86_000 < int(seconds) <= 86_400


class StayHere(urllib.request.HTTPRedirectHandler):
    """Gives a redirect as it is."""

    def http_error_303(self, req, fp, code, msg, headers):  # noqa: ARG002  (urllib's own names)
        """The answer itself."""
        return fp


def test_other_commands_use_the_server_that_the_demo_runs(folder, tmp_path):
    with running("demo", "--port", 0, "--ops-port", 0, LAUREL_DATA=str(folder)) as server:
        checked = laurel("catalog", "check", "--title", 3051199919, LAUREL_DATA=str(folder))
        exported = laurel("catalog", "export", "--title", 1297290417, "--to", tmp_path, LAUREL_DATA=str(folder))

        assert (checked.returncode, checked.stdout[:9]) == (0, "errors: 0"), checked
        assert exported.returncode == 0, exported.stderr
        assert len(exported.stdout.splitlines()) >= 9
        assert server.end() == 0


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = laurel("demo", "--port", port, "--data", tmp_path / "data")

    assert refused.returncode == 1
    assert refused.stderr == f"laurel: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert not (tmp_path / "data" / "postgres").exists()


def test_the_package_is_the_command_too():
    done = laurel("--version", command=(sys.executable, "-m", "service"))

    assert (done.returncode, done.stdout.count(".")) == (0, 2), done.stderr


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


def did(*arguments: object, **settings: str) -> Result:
    """A command run in this process."""
    return CliRunner().invoke(main, [*map(str, arguments)], env=settings, catch_exceptions=False)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_wrong_setting_stops_every_command_with_its_name_and_what_would_do(command, name):
    refused = did(*command, **{name: BAD[name]})

    assert refused.exit_code == 1
    assert refused.stdout == ""
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"laurel: {name}: ")
    assert "expected" in line or "unknown setting" in line
    assert "password" not in line.removeprefix(
        "laurel: LAUREL_DATABASE_URL: expected a URL such as postgresql://user:password@"
    )


def test_a_wrong_setting_stops_the_real_command_too():
    refused = laurel("serve", LAUREL_POOL_SIZE="many")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "laurel: LAUREL_POOL_SIZE: expected a number of connections per process, 1 to 100, got 'many'\n"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one"),
        (
            {"LAUREL_JWT_SECRET": SECRET, "LAUREL_DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/d"},
            "LAUREL_DATABASE_URL: cannot connect",
        ),
        (
            {"LAUREL_JWT_SECRET": SECRET, "LAUREL_DATABASE_URL": "postgresql://u:hidden@[::1/d"},
            "LAUREL_DATABASE_URL: cannot be read",
        ),
        ({"LAUREL_JWT_SECRET": SECRET, "LAUREL_DATA": "/dev/null/data"}, "LAUREL_DATA: "),
    ],
)
def test_serve_says_what_it_lacks(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    refused = did("serve", "--port", 0, "--ops-port", 0, **settings)

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"laurel: {message}")
    assert "hidden" not in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--xuid", "abc"), "expected a XUID"),
        (("--xuid", str(2**64)), "expected a XUID"),
        (("--xuid", "1", "--uhs", "x"), "expected a user hash"),
        ((), "expected a XUID, or the subject"),
        (("--sub", "Ana", "--l10n", '[{"titles": "*"}]'), "--l10n: expected grants"),
        (("--sub", "Ana", "--l10n", "x"), "--l10n: expected grants"),
    ],
)
def test_a_token_for_nobody_is_refused(arguments, message):
    refused = did("token", *arguments, LAUREL_JWT_SECRET=SECRET)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert message in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--xuid", "1", "--title", "0"), ("--xuid", "1", "--lifetime", "0"), ("--xuid", "1", "--scheme", "x")],
)
def test_a_misused_command_says_how_it_is_used(arguments):
    refused = did("token", *arguments, LAUREL_JWT_SECRET=SECRET)

    assert refused.exit_code == 2
    assert refused.stderr.startswith("Usage: ")


@pytest.mark.parametrize("scheme", ["xbl3", "bearer"])
def test_a_token_is_one_line_to_be_pasted(scheme):
    done = did("token", "--xuid", PLAYER, "--scheme", scheme, LAUREL_JWT_SECRET=SECRET)

    assert done.exit_code == 0
    assert done.stdout.startswith({"xbl3": "XBL3.0 x=", "bearer": "Bearer "}[scheme])
    assert done.stdout.count("\n") == 1


@pytest.fixture
def files(tmp_path) -> pathlib.Path:
    """A folder of files to import, good and broken, each named for what it is."""
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
    """Runs a command on a database of the test's own: `command("catalog", "import", "title.toml")`, files by name."""

    def run(*arguments: object, status: int = 0) -> Result:
        named = [files / str(one) if (files / str(one)).is_file() else one for one in arguments]
        locales = (
            ("--locales", files / "locales") if arguments[:2] in (("catalog", "import"), ("catalog", "check")) else ()
        )
        done = did(*named, *locales, LAUREL_DATABASE_URL=own_database)
        assert done.exit_code == status, done.output
        return done

    return run


@pytest.fixture
def contents(own_database, tmp_path):
    """All that is being edited of a title, as text; None if there is no such title."""

    def read(title_id: int) -> str | None:
        folder = tmp_path / "contents"
        shutil.rmtree(folder, ignore_errors=True)
        done = did("catalog", "export", "--title", title_id, "--to", folder, LAUREL_DATABASE_URL=own_database)
        if done.stderr == f"laurel: there is no title {title_id}\n":
            return None
        assert done.exit_code == 0, done.output
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file())

    return read


def test_a_catalogue_goes_in_is_checked_published_and_taken_back(command):
    imported = command("catalog", "import", "title.toml")
    assert imported.stdout == "title 7: title new; achievements 1 new, 0 changed; texts 5 new or changed\n"
    assert imported.stderr == "import 1/1: " + imported.stderr.removeprefix("import 1/1: ")

    assert command("catalog", "check", "--title", 7).stdout.startswith("errors: 0, ")
    dry = command("catalog", "publish", "--title", 7, "--dry-run")
    assert dry.stdout.endswith("dry run: nothing was changed\n")
    assert command("catalog", "publish", "--title", 7).stdout.endswith("title 7: release 1 is published\n")
    again = command("catalog", "publish", "--title", 7)
    assert again.stdout == "title 7: nothing changes\ntitle 7: release 1 is published\n"
    assert command("catalog", "import", "title.toml").stdout == "title 7: nothing changes\n"


def test_a_release_can_be_taken_back(command, files):
    command("catalog", "import", "title.toml", "--publish")
    (files / "title.toml").write_text(TOML.replace("First Light", "First Dark"), encoding="utf-8")
    shutil.rmtree(files / "locales")
    second = command("catalog", "import", "title.toml", "--publish")
    assert "'First Light' -> 'First Dark'" in second.stdout
    assert "release 2 is published" in second.stdout

    command("catalog", "rollback", "--title", 7, "--release", 1)
    listed = command("catalog", "rollback", "--title", 7).stdout.splitlines()

    assert [("1" in line, "is served" in line) for line in listed][-1] == (True, True)
    assert sum("is served" in line for line in listed) == 1
    refused = command("catalog", "rollback", "--title", 7, "--release", 3, status=1)
    assert refused.stderr == "laurel: there is no release 3 of title 7\n"


def test_a_dry_run_shows_the_difference_and_changes_nothing(command, contents):
    shown = command("catalog", "import", "title.toml", "--dry-run", "--publish")

    assert "title 7: title new" in shown.stdout
    assert shown.stdout.endswith("dry run: nothing was changed\n")
    assert contents(7) is None


def test_an_export_imports_as_it_was(command, contents, tmp_path):
    command("catalog", "import", "page.json")
    before = contents(TITLE)

    again = command("catalog", "import", tmp_path / "contents" / f"title-{TITLE}.toml")

    assert again.stdout == f"title {TITLE}: nothing changes\n"
    assert contents(TITLE) == before


@pytest.mark.parametrize("kind", ["po", "xbox", "steam", "epic", "csv"])
def test_texts_go_out_to_translators_and_come_back(command, tmp_path, kind):
    """In every format: the French name is changed in the file, and that alone changes here."""
    command("catalog", "import", "title.toml")
    command("catalog", "export", "--title", 7, "--format", kind, "--to", tmp_path / "out")
    [path] = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "Première lueur" in path.read_text()]
    path.write_text(path.read_text().replace("Première lueur", "Aube"))

    done = command("catalog", "import", path, "--title", 7)

    assert done.stdout.splitlines() == [
        "title 7: title unchanged; achievements 0 new, 0 changed; texts 1 new or changed",
        "  fr-FR achievement/1/name: 'Première lueur' -> 'Aube'",
    ]


def test_partner_centers_files_change_only_what_they_hold(command, tmp_path):
    command("catalog", "import", "title.toml")
    command("catalog", "export", "--title", 7, "--format", "xbox", "--to", tmp_path / "out")
    pair = [tmp_path / "out" / name for name in ("localization.xml", "achievements2017.xml")]

    assert command("catalog", "import", *pair, "--title", 7).stdout == "title 7: nothing changes\n"
    for old, new in (("<IsHidden>false", "<IsHidden>true"), ("<BaseAchievement>true", "<BaseAchievement>false")):
        pair[1].write_text(pair[1].read_text().replace(old, new))
        assert "achievements 0 new, 1 changed; texts 0" in command("catalog", "import", *pair, "--title", 7).stdout


def test_an_export_may_be_of_what_is_served_and_of_some_locales(command, files, tmp_path):
    command("catalog", "import", "title.toml", "--publish")
    (files / "title.toml").write_text(TOML.replace("First Light", "Dawn"))
    (files / "locales/fr_FR/LC_MESSAGES/title-7.po").write_text(PO.replace("First Light", "Dawn"))
    command("catalog", "import", "title.toml")
    export = ("catalog", "export", "--title", 7, "--to", tmp_path, "--format", "csv")

    command(*export)
    assert "achievement/1/name,Dawn,Première lueur\n" in (tmp_path / "title-7.csv").read_text()
    command(*export, "--published", "--locale", "en-US")
    assert "achievement/1/name,First Light\n" in (tmp_path / "title-7.csv").read_text()
    refused = command(*export, "--locale", "xx", status=1)
    assert refused.stderr == "laurel: locale: expected one of en-US, fr-FR, got 'xx'\n"


def test_what_a_store_would_refuse_is_not_written(command, tmp_path):
    command("catalog", "import", "title.toml")

    refused = command("catalog", "export", "--title", 7, "--format", "google-play", "--to", tmp_path / "out", status=1)
    made = command("catalog", "export", "--title", 7, "--format", "zip", "--to", tmp_path / "out")

    assert "achievement/1: Google Play requires 5 to 200 points in multiples of 5, got 0 [points]" in refused.stderr
    assert made.stderr.startswith("left out: google-play: ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["title-7.zip"]


def test_a_check_tells_programs_where_each_text_stands(command, files):
    po = files / "locales/fr_FR/LC_MESSAGES/title-7.po"
    po.write_text(po.read_text().replace("Première lueur", "Première  lueur {n}"))

    refused = command("catalog", "check", "title.toml", "--format", "json", status=1)
    forge = command("catalog", "check", "title.toml", "--format", "github", status=1)

    found = {one["rule"]: one for one in json.loads(refused.stdout)}
    assert found["placeholders-differ"] == {
        "file": str(po),
        "line": 6,
        "key": "achievement/1/name",
        "locale": "fr-FR",
        "rule": "placeholders-differ",
        "severity": "error",
        "message": "placeholders: expected none, got {n}",
    }
    assert found["double-space"]["severity"] == "warning"
    assert f"::error file={po},line=6,title=placeholders-differ::fr-FR achievement/1/name: " in forge.stdout
    assert refused.stderr.startswith("laurel: errors: 1, warnings: ")


def test_what_would_end_a_forges_line_is_escaped(command, tmp_path):
    (tmp_path / "100%,a:b.csv").write_text("key\nx\n", encoding="utf-8")

    refused = command("catalog", "check", tmp_path / "100%,a:b.csv", "--format", "github", status=1)

    assert refused.stdout.startswith(f"::error file={tmp_path}/100%25%2Ca%3Ab.csv,")
    assert refused.stdout.count("\n") == 1


def test_texts_alone_are_checked_against_the_title_that_is_here(command, tmp_path):
    command("catalog", "import", "title.toml")
    (tmp_path / "fr.csv").write_text("key,fr-FR\nachievement/1/name,{n} lueur\n", encoding="utf-8")

    refused = command("catalog", "check", tmp_path / "fr.csv", "--title", 7, "--format", "json", status=1)

    assert {(one["line"], one["locale"], one["rule"]) for one in json.loads(refused.stdout)} == {
        (2, "fr-FR", "placeholders-differ")
    }
    unnamed = command("catalog", "check", tmp_path / "fr.csv", status=1)
    assert "name it with --title [unknown-title]" in unnamed.stderr


def test_a_check_without_an_error_ends_well(command):
    done = command("catalog", "check", "title.toml", "--format", "json")

    assert {one["severity"] for one in json.loads(done.stdout)} == {"warning"}
    command("catalog", "check", "title.toml", "--strict", status=1)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("broken.toml", ["broken.toml:12:", "[not-toml]"]),
        ("broken.json", ["achievements", "productId", "rewards"]),
        ("half.json", ["half.json"]),
        ("empty", ["empty"]),
        ("no-such-file", ["no-such-file: the file cannot be read: No such file or directory"]),
    ],
)
def test_an_import_with_anything_wrong_in_it_takes_nothing_in(command, contents, broken, said):
    refused = command("catalog", "import", "title.toml", broken, "page.json", "--publish", status=1)

    assert all(part in refused.stderr for part in said), refused.stderr
    assert "Traceback" not in refused.output
    assert contents(7) is contents(TITLE) is None


def test_an_import_that_fails_in_the_database_takes_nothing_in(command, contents):
    """The second file is sound by itself, but its scid is the first one's."""
    refused = command("catalog", "import", "title.toml", "other.toml", status=1)

    assert "scid b5dd9daf-0000-0000-0000-000000000007 is of title 7 already [scid-names-one-title]" in refused.stderr
    assert contents(7) is contents(8) is None


def test_a_broken_file_fails_a_check_with_every_problem_on_its_own_line(command):
    refused = command("catalog", "check", "broken.json", status=1)

    problems = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert len(problems) == 2
    assert refused.stderr.endswith("laurel: errors: 2, warnings: 0\n")
    assert command("catalog", "check", "title.toml").stdout.startswith("errors: 0, ")


@pytest.mark.parametrize("arguments", [("publish",), ("rollback",), ("rollback", "--release", "1"), ("check",)])
def test_a_title_that_is_not_there_is_named(command, arguments):
    refused = command("catalog", arguments[0], "--title", 99, *arguments[1:], status=1)

    assert "title 99" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_progress_goes_in_once(command):
    command("catalog", "import", "page.json", "--publish")

    first = command("progress", "import", "page.json", "--xuid", PLAYER)
    again = command("progress", "import", "page.json", "--xuid", f"0{PLAYER}")

    assert first.stdout == f"player {PLAYER}: 2 new unlocks in title {TITLE}\n"
    assert again.stdout == f"player {PLAYER}: 0 new unlocks in title {TITLE}\n"


@pytest.mark.parametrize(
    ("file", "xuid", "message"),
    [
        ("page.json", PLAYER, f"there is no title {TITLE}; import its catalog first"),
        ("page.json", "abc", "--xuid: expected a XUID: a decimal below 2**64"),
        ("half.json", PLAYER, "half.json"),
        ("title.toml", PLAYER, "title.toml"),
        ("no-such-file", PLAYER, "no-such-file: the file cannot be read: No such file or directory"),
    ],
)
def test_progress_that_cannot_be_read_is_refused_in_words(command, file, xuid, message):
    refused = command("progress", "import", file, "--xuid", xuid, status=1)

    assert refused.stderr.startswith("laurel: ")
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_migrate_says_what_it_did(command):
    assert command("migrate").stdout == "the schema is up to date\n"


def test_the_real_commands_do_the_same_in_a_process_of_their_own(own_database, files):
    """Plain lines on standard error while it works, the outcome on standard output."""
    settings = {"LAUREL_DATABASE_URL": own_database}

    imported = laurel("catalog", "import", files / "page.json", "--publish", **settings)
    refused = laurel("catalog", "import", files / "broken.json", **settings)

    assert imported.returncode == 0
    assert imported.stderr.splitlines() == [
        f"import 1/2: {files / 'page.json'}",
        f"import 2/2: publishing title {TITLE}",
    ]
    assert imported.stdout.endswith(f"title {TITLE}: release 1 is published\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "\x1b" not in imported.stdout + imported.stderr + refused.stderr
