"""`laurel demo` and `laurel serve` as processes: what they print, what they need, and what they leave behind."""

import contextlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from service.demo import PLAYER
from tests.cli.conftest import invoke
from tests.factories import SECRET, authorization
from tests.servers import PATIENCE, laurel, processes_on, running


def wait_until_ended(processes: Mapping[int, str]) -> None:
    """Wait until all processes have ended; fail if one is still running after the timeout."""
    deadline = time.monotonic() + PATIENCE
    for number, line in processes.items():
        try:
            handle = os.pidfd_open(number)
        except ProcessLookupError:
            continue
        ended, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        os.close(handle)
        assert ended, line


def achievements(url: str, credential: str, language: str = "en") -> dict[str, Any]:
    """The demo player's achievements in a language."""
    request = urllib.request.Request(  # noqa: S310  (our own server)
        f"{url}/users/xuid({PLAYER})/achievements?maxItems=100",
        headers={"Authorization": credential, "x-xbl-contract-version": "2", "Accept-Language": language},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
        return {"language": response.headers["Content-Language"], **json.load(response)}


def test_demo_restarts_after_sigterm_sigkill_and_ctrl_c(folder):
    """Each time no process is left, and the demo serves the same pages."""
    demo = ("demo", "--port", 0, "--ops-port", 0, "--data", folder)
    pages = []
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        with running(*demo) as server:
            credential = laurel("token", "--xuid", PLAYER, LAUREL_DATA=str(folder)).stdout.strip()
            pages.append([achievements(server.url, credential, language) for language in ("fr", "ar", "en")])
            started = processes_on(folder)
            assert any("postgres" in line for line in started.values())

            status = server.end(number)

        assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0), server.lines
        wait_until_ended(started)
        assert not processes_on(folder)

    first, *later = pages
    assert [page["language"] for page in first] == ["fr-FR, en-US", "ar-SA, en-US", "en-US"]
    assert first[0]["pagingInfo"]["totalRecords"] > 73
    arabic = "".join(item["name"] for item in first[1]["achievements"])
    assert any("\u0600" <= letter <= "\u06ff" for letter in arabic)
    assert later == [first] * 2
    assert (folder / "signing-secret").stat().st_mode & 0o077 == 0


def test_demo_prints_a_token_for_the_workbench_that_lasts_a_day(folder):
    with running("demo", "--port", 0, "--ops-port", 0, LAUREL_DATA=str(folder)) as server:
        token = server.line("editor ")
        body = urllib.parse.urlencode({"token": token}).encode()
        with urllib.request.build_opener(KeepRedirect).open(f"{server.url}/l10n/session", body, PATIENCE) as response:
            cookie = response.headers["Set-Cookie"]

    (seconds,) = re.findall(r"Max-Age=(\d+)", cookie)
    assert 86_000 < int(seconds) <= 86_400


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    """Returns a redirect instead of following it."""

    def http_error_303(self, req, fp, code, msg, headers):  # noqa: ARG002  (urllib's own names)
        """Return the response."""
        return fp


def test_other_commands_use_the_database_server_of_the_running_demo(folder, tmp_path):
    with running("demo", "--port", 0, "--ops-port", 0, LAUREL_DATA=str(folder)) as server:
        checked = laurel("catalog", "check", "--title", 3051199919, LAUREL_DATA=str(folder))
        exported = laurel("catalog", "export", "--title", 1297290417, "--to", tmp_path, LAUREL_DATA=str(folder))

        assert (checked.returncode, checked.stdout[:9]) == (0, "errors: 0"), checked
        assert exported.returncode == 0, exported.stderr
        assert len(exported.stdout.splitlines()) >= 9
        assert server.end() == 0


def test_port_in_use_is_reported_before_anything_is_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = laurel("demo", "--port", port, "--data", tmp_path / "data")

    assert failed.returncode == 1
    assert failed.stderr == f"laurel: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one"),
        ({"LAUREL_JWT_SECRET": SECRET, "LAUREL_OPEN_BADGES": "on"}, "LAUREL_PUBLIC_URL: set it"),
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
def test_serve_without_a_key_or_a_database_names_the_setting(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    failed = invoke("serve", "--port", 0, "--ops-port", 0, **settings)

    assert failed.exit_code == 1
    assert failed.stderr.startswith(f"laurel: {message}")
    assert "hidden" not in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("settings", [{}, {"LAUREL_JWT_SECRET": SECRET}], ids=["as the default", "as the setting"])
def test_serve_refuses_the_signing_key_of_the_demo(settings, tmp_path):
    (tmp_path / "signing-secret").write_text(SECRET)

    failed = invoke("serve", "--port", 0, "--ops-port", 0, LAUREL_DATA=str(tmp_path), **settings)

    assert failed.exit_code == 1
    assert failed.stderr.startswith("laurel: LAUREL_JWT_SECRET")
    assert "demo" in failed.stderr
    assert SECRET not in failed.stderr


async def test_defaults_are_safe(own_database):
    """Open Badges only under a public URL, or each would begin with a caller's Host header; the ops port on loopback."""
    settings = {"LAUREL_DATABASE_URL": own_database, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    arguments = ("serve", "--host", "127.0.0.2", "--port", 0, "--ops-port", 0)
    with running(*arguments, **settings) as server:
        by_default = await open_badges(server.url), listening_addresses(server.process.pid)
    settings["LAUREL_PUBLIC_URL"] = "https://badges.example"
    with running(*arguments, "--ops-host", "127.0.0.3", **settings) as server:
        chosen = await open_badges(server.url), listening_addresses(server.process.pid)

    assert by_default == ((404, False), {"127.0.0.2", "127.0.0.1"})
    assert chosen == ((200, True), {"127.0.0.2", "127.0.0.3"})


async def open_badges(url: str) -> tuple[int, bool]:
    """The status of a path of Open Badges, and whether the OpenAPI document has it."""
    path = "/.well-known/jwks.json"
    async with aiohttp.ClientSession(url) as session:
        status = (await session.get(path)).status
        document = await (await session.get("/openapi.json")).json()
    return status, path in document["paths"]


def listening_addresses(pid: int) -> set[str]:
    """The IPv4 addresses that a process listens on, from the kernel's table of sockets."""
    inodes = set()
    for handle in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    is_listening = "0A"
    hexadecimal = [row[1].split(":")[0] for row in rows if row[3] == is_listening and row[9] in inodes]
    return {socket.inet_ntoa(bytes.fromhex(address)[::-1]) for address in hexadecimal}


def test_service_outlives_the_embedded_server_and_the_process_that_started_it(folder):
    """It uses the server that the demo started; when the demo ends, it runs the server itself."""
    with running("demo", "--port", 0, "--ops-port", 0, "--data", folder) as demo:
        settings = {"LAUREL_DATA": str(folder), "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
        with running("serve", "--port", 0, "--ops-port", 0, "--workers", 2, **settings) as server:
            before = achievements(server.url, authorization(PLAYER))
            assert demo.end() == 0
            assert when_it_answers(server.url) == before

            os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

            assert when_it_answers(server.url) == before
            started = processes_on(folder)
            assert server.end() == 0
    wait_until_ended(started)
    assert not processes_on(folder)


def when_it_answers(url: str) -> dict[str, Any]:
    """The demo player's achievements, as soon as they can be read; meanwhile there are errors of no other kind than 503."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return achievements(url, authorization(PLAYER))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
