"""README.md and ARCHITECTURE.md say what is so: what they list is all there is, and what they print to paste runs."""

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping

import click
import pytest
from click.testing import CliRunner

from service import errors
from service.api.xbox import errors as xbox_errors
from service.api.xbox.list_request import DEFAULT_PAGE, MAX_PAGE, MAX_TITLES
from service.cli.main import main
from service.server import openapi, ops
from service.server.app import APIS
from service.settings import SETTING_SPECS, Settings

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")
LAUREL = pathlib.Path(sys.executable).with_name("laurel")
MADE_BY_THE_READER = re.compile(r"mine/.*|page\.json|/openapi\.json|.*\.well-known/jwks\.json")

LOCALIZATION = """\
<Localization xmlns="http://config.mgt.xboxlive.com/schema/localization/1">
  <DevDisplayLocale locale="en-US" />
  <LocalizedString id="Name"><Value locale="en-US">Salt</Value><Value locale="fr-FR">Sel</Value></LocalizedString>
  <LocalizedString id="Locked"><Value locale="en-US">Find salt.</Value></LocalizedString>
  <LocalizedString id="Unlocked"><Value locale="en-US">Found salt.</Value></LocalizedString>
</Localization>
"""
ACHIEVEMENTS = """\
<Achievements2017 xmlns="http://config.mgt.xboxlive.com/schema/achievements2017/1"><Achievement>
  <AchievementNameId>Name</AchievementNameId><BaseAchievement>true</BaseAchievement><DisplayOrder>1</DisplayOrder>
  <LockedDescriptionId>Locked</LockedDescriptionId><Rewards><Gamerscore>10</Gamerscore></Rewards>
  <UnlockedDescriptionId>Unlocked</UnlockedDescriptionId><IsHidden>false</IsHidden>
  <AchievementId>1</AchievementId><IconImageId>00000000-0000-0000-0000-000000000001</IconImageId>
</Achievement></Achievements2017>
"""


def section(heading: str) -> str:
    """What stands below a heading of the README, up to the next of any level."""
    return re.split(r"^#+ .*\n", README.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(heading: str) -> list[tuple[str, ...]]:
    """The cells of each table row in a section, without backticks; what stands above a rule is no row."""
    tables = re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", section(heading), re.MULTILINE)
    lines = "".join(tables).replace("`", "").splitlines()
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = dict(commands(main, "laurel"))


def test_every_setting_stands_in_the_readme_with_its_default():
    defaults = Settings()
    said = {name: default for name, default, _ in rows("Settings")}

    assert said == {
        knob.name: "none" if getattr(defaults, knob.field) in (None, ()) else str(getattr(defaults, knob.field))
        for knob in SETTING_SPECS
    }


def test_every_command_stands_in_the_readme():
    documented = re.findall(r"^### `(laurel [a-z -]+)`$", README, re.MULTILINE)

    assert sorted(documented) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_the_readme_with_its_default(name):
    options = [parameter for parameter in COMMANDS[name].params if isinstance(parameter, click.Option)]
    said = {option: default for option, default, _ in rows(f"`{name}`")}

    assert said.keys() == {option.opts[0] for option in options}
    for option in options:
        if option.required:
            assert said[option.opts[0]] == "needed"
        elif isinstance(option.default, str | int) and not option.is_flag and option.default != "":
            assert said[option.opts[0]] == str(option.default)


def test_the_help_lists_the_documented_commands():
    said = CliRunner().invoke(main, ["--help"]).output.partition("Commands:")[2]

    assert set(re.findall(r"^  (\w+)", said, re.MULTILINE)) == {name.split()[1] for name in COMMANDS}


def test_every_route_stands_in_the_readme():
    doors = (*APIS, openapi.openapi_api(APIS))
    routes = {f"{route.method} {_documented(route.path)}" for door in doors for route in door.routes}
    operations = {resource.canonical for resource in ops.operations(None).router.resources()}

    headings = [heading for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE) if "outes" in heading]
    headings.append("The workbench's pages")
    assert {request for heading in headings for request, _ in rows(heading)} == {
        route for route in routes if " /v1/" not in route
    }
    assert {route.replace(" /v1/", " /") for route in routes if " /v1/" in route} <= routes
    assert {path for path, _ in rows("The ops port")} == operations


def _documented(pattern: str) -> str:
    """A pattern of the router as people write it: no expressions, no optional slash."""
    return re.sub(r"\{(\w+)(:([^{}]|\{[^{}]*\})*)?\}", r"{\1}", pattern).removesuffix("{slash}")


def test_every_parameter_stands_in_the_readme():
    described = openapi.document(APIS)["components"]["parameters"].values()

    assert {row[0] for row in rows("Parameters")} == {one["name"] for one in described if one["in"] == "query"}
    for number in (DEFAULT_PAGE, MAX_PAGE, MAX_TITLES):
        assert re.search(rf"\b{number}\b", section("Parameters"))


def test_every_error_stands_in_the_readme_with_its_status_and_code():
    pairs = [xbox_errors._INTERNAL_ERROR, *((status, code) for _, status, code in xbox_errors._TABLE)]

    assert sorted((int(status), int(code)) for status, code, _ in rows("Errors")) == sorted(pairs)


def test_every_error_that_a_caller_can_meet_has_a_row_at_the_door():
    kinds = [kind for kind, _, _ in xbox_errors._TABLE]

    assert [each for each in _family(errors.LaurelError) if not issubclass(each, tuple(kinds))] == []


def _family(kind: type[errors.LaurelError]) -> Iterator[type[errors.LaurelError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _family(each)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / document).read_text(encoding="utf-8")

    assert set(re.findall(r"(?:^|`|… )make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")]
    assert [link for link in links if link not in anchors and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document):
    """A name may leave out the folders before it, as the map does."""
    text = (ROOT / document).read_text(encoding="utf-8")
    folders = ("service", "sql", "tests", "locales", ".ci")
    tree = {f"/{path.relative_to(ROOT)}" for folder in folders for path in (ROOT / folder).rglob("*.*")}
    tree |= {f"/{path.name}" for path in ROOT.iterdir()}

    named = set(re.findall(r"(?<![\w<>/.-])[\w./-]*\w\.(?:py|sql|md|toml|pot?|json)\b", text))
    named = {name for name in named if not MADE_BY_THE_READER.fullmatch(name)}
    assert [name for name in sorted(named) if not any(path.endswith(f"/{name}") for path in tree)] == []


@contextlib.contextmanager
def _demo(folder: pathlib.Path) -> Iterator[tuple[int, int]]:
    """`laurel demo` on a folder; its port and its ops port."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, ops_port = one.getsockname()[1], other.getsockname()[1]
    command = [LAUREL, "demo", "--port", str(port), "--ops-port", str(ops_port)]
    with subprocess.Popen(  # noqa: S603  (our own command)
        command, env=_environment(LAUREL_DATA=str(folder)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
            yield port, ops_port
        finally:
            process.terminate()


def _environment(**settings: str) -> Mapping[str, str]:
    """Ours without settings of Laurel, with the interpreter of this run as `python3`, and these settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
    return own | {"PATH": f"{LAUREL.parent}{os.pathsep}{own['PATH']}"} | settings


def _pasted(block: str) -> str:
    return block.replace(".venv/bin/laurel", str(LAUREL))


class Answers(dict[str, str]):
    """What each block of the README printed, by the block."""

    def to(self, part: str) -> str:
        """What the one block with this in it printed."""
        (block,) = [block for block in self if part in block]
        return self[block]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Every shell block of the README, pasted in order into one shell beside a running demo, but for the real server's."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here, and the README's lines use it")
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    blocks = [block for block in blocks if block not in section("A real PostgreSQL")]
    # Not under pytest's own temporary folder: another run closes that to the user that Postgres runs as.
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        folder = pathlib.Path(name)
        (folder / "localization.xml").write_text(LOCALIZATION, encoding="utf-8")
        (folder / "achievements2017.xml").write_text(ACHIEVEMENTS, encoding="utf-8")
        with _demo(folder / "data") as (port, ops_port):
            script = "\nprintf '\\036'\n".join(_pasted(block) for block in blocks)
            script = script.replace(":8080", f":{port}").replace(":8081", f":{ops_port}")
            done = subprocess.run(
                ["/bin/sh", "-e", "-u"],
                input=f"exec 2>&1\n{script}",
                env=_environment(LAUREL_DATA=str(folder / "data")),
                cwd=folder,
                stdout=subprocess.PIPE,
                check=False,
                encoding="utf-8",
            )
    assert done.returncode == 0, done.stdout
    return Answers(zip(blocks, done.stdout.split("\x1e"), strict=True))


def test_the_answer_that_is_shown_is_the_one_that_comes_back(answers):
    """Line by line, but for what stands as an ellipsis."""
    shown = re.search(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
    lines = [line.strip() for line in shown.splitlines()]
    pattern = "".join(r"(?:.*\n)+?" if line == "…" else _line(line) for line in lines)

    came = "".join(f"{line.strip()}\n" for line in answers.to("fr-CA").splitlines())

    assert re.fullmatch(pattern, came), came


def _line(shown: str) -> str:
    return re.escape(shown).replace("…", ".+") + r"\n"


def test_the_pasted_lines_show_french(answers):
    said = answers.to("'Accept-Language: fr'")

    assert "Fête des lanternes" in said
    assert said.count("\n") == 6


def test_the_pasted_lines_show_arabic(answers):
    said = answers.to("ar-EG")

    assert "مهرجان الفوانيس" in said
    assert said.count("\n") == 6


def test_the_pasted_lines_page_by_token(answers):
    first, second = (
        re.findall(r"^(\d+)  ", page, re.MULTILINE) for page in answers.to("$NEXT").split("totalRecords")[:2]
    )
    one_page = re.findall(r"^(\d+)  ", answers.to("'Accept-Language: fr'"), re.MULTILINE)

    assert len(first) == len(second) == 3
    assert (first + second)[:5] == one_page


def test_the_pasted_lines_show_what_is_unlocked_newest_first(answers):
    said = re.findall(r"^\d+  (\w+)  (\S+)  ", answers.to('&maxItems=10"'), re.MULTILINE)

    assert [state for state, _ in said] == ["Achieved"] * 10
    assert [time for _, time in said] == sorted((time for _, time in said), reverse=True)


def test_the_pasted_lines_ask_for_badges_as_shown(answers):
    shown = re.search(r"^```json\n(.*?)^```$", section("Badges"), re.MULTILINE | re.DOTALL)[1]
    came = answers.to("first: 2, status: EARNED")

    assert re.fullmatch("".join(_line(line) for line in shown.splitlines()), came), came
    assert re.search(r'"title": "First Words",\s+"status": "EARNED"', answers.to("setUserContext"))


def test_the_pasted_lines_do_the_rest_of_what_is_said_of_them(answers):
    assert answers.to("If-None-Match").strip() == "304"
    assert "maxItems: expected a whole number" in answers.to("maxItems=many")
    assert "'Microsoft Achievements Sample' -> 'Our Sample'" in answers.to("catalog check mine")
    assert "title 1297290417: nothing changes\n" in answers.to("title-1297290417.csv --dry-run")
    assert "release 2 is published" in answers.to("publish --title 3051199919\n")
    assert re.search(r"release 1 of \S+ +is served", answers.to("--release 1"))
    assert "title 1297290417: nothing changes" in answers.to("> page.json")
    assert "28 new unlocks in title 1297290417" in answers.to("> page.json")
    assert answers.to("OTHER=").count("Achieved") == 5
    assert "title 1234567890: release 1 is published" in answers.to("achievements2017.xml")


def test_the_pasted_lines_issue_revoke_and_verify_a_badge(answers):
    """The first of them prints what is shown, line by line, but for the port."""
    (shown,) = re.findall(r"^```\n(badge .*?)^```$", README, re.MULTILINE | re.DOTALL)
    came = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", answers.to("> badge.jwt"))

    assert re.fullmatch("".join(_line(line) for line in shown.splitlines()), came), came
    assert '"OpenBadgeCredential"' in answers.to("Accept: application/json")
    assert "not good: it was revoked" in answers.to("badge revoke")
    assert "good: the issuer signed it" in answers.to("badge rotate-key")
    assert answers.to("badge rotate-key").count('"kid"') == 2


def test_the_pasted_lines_work_on_texts(answers):
    assert "'fr-FR': " in answers.to("EDITOR=")
    saved = answers.to("Un beau titre")
    assert '"text":"Un beau titre","state":"translated"' in saved
    assert '"status":412' in saved
    assert '"changedBy":"Ana"' in saved
    published = answers.to("dryRun")
    assert '"after":"Un beau titre","changedBy":"Ana"' in published
    assert "['fr-FR', 'en-US']" in published
    applied = answers.to("french")
    assert "{'fr-FR': {'unchanged': " in applied
    assert '"appliedBy":"Ana"' in applied


async def test_the_pasted_lines_set_up_a_real_server(own_database):
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section("A real PostgreSQL"), re.MULTILINE | re.DOTALL)
    lines, _, serving = _pasted(block).strip().rpartition("\n")

    done = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-e", "-u"],
        input=re.sub(r"postgresql://[^']+", lambda _: own_database, lines),
        env=_environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stdout
    assert "29 new unlocks" in done.stdout
    assert "XBL3.0 x=" in done.stdout
    assert " serve " in serving
