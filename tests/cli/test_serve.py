"""`laurel demo` and `laurel serve` as processes: what they print, what they need, and what they leave behind."""

import json
import os
import re
import select
import signal
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from service.demo import PLAYER
from tests.cli.conftest import did
from tests.factories import SECRET
from tests.servers import PATIENCE, laurel, processes_on, running


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
