"""The shell blocks of the README and of docs/ run, page by page, and print what the page says that they print.

The `sh` blocks of a page are pasted in order into one shell beside a running demo, which all pages share. A `json` or
`text` block below one is what it prints; `…` stands for anything. What cannot be run here is fenced as `console`.
"""

import asyncio
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from service.db.embedded import binaries
from tests.docs import command_server, pages
from tests.docs.pages import ROOT, Page
from tests.servers import environment, running

PAGES = [page for page in pages.documents() if any(block.language == "sh" for block in page.blocks)]
DATABASE_URL = "postgresql://laurel:change-me@127.0.0.1:5432/laurel"
SEPARATOR = "\x1e"
PATH = os.pathsep.join((str(pathlib.Path(sys.executable).parent), str(binaries()), os.environ["PATH"]))
PUBLISHES = re.compile(r"laurel catalog (publish|rollback)|--publish")
UNTIL_SERVED = """
python3 -c '
import json, time, urllib.request
begun = time.monotonic()
while json.load(urllib.request.urlopen("http://127.0.0.1:8081/readyz"))["catalog_age_seconds"] > time.monotonic() - begun:
    pass'
"""  # the demo has looked for releases since


class Demo(NamedTuple):
    """A running `laurel demo`: the folder of its data, its port and its ops port."""

    data: pathlib.Path
    port: int
    ops_port: int


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    # Not under pytest's own temporary folder: another run closes that to the user that Postgres runs as.
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        data, ops_port = pathlib.Path(name) / "data", _free_port()
        settings = {"LAUREL_DATA": str(data), "LAUREL_CATALOG_POLL": "0.1", "LAUREL_LOG_LEVEL": "warning"}
        with running("demo", "--port", 0, "--ops-port", ops_port, **settings) as process:
            yield Demo(data, int(process.url.rpartition(":")[2]), ops_port)


def _free_port() -> int:
    """A port that is free, and below those that the system gives to connections."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def laurel() -> Iterator[str]:
    """The text of a program that runs commands as `laurel` does, and starts faster."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        path = f"{name}/socket"
        command = [sys.executable, "-m", "tests.docs.command_server", path]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  (our own)
            try:
                assert process.stdout.readline() == "ready\n"
                yield command_server.client(path)
            finally:
                process.terminate()


@pytest.fixture
def folder(tmp_path: pathlib.Path, laurel: str) -> pathlib.Path:
    """A folder that looks to a shell like a checkout after `make setup`."""
    for name in ("service", "locales"):
        (tmp_path / name).symlink_to(ROOT / name)
    program = tmp_path / ".venv/bin/laurel"
    program.parent.mkdir(parents=True)
    program.write_text(laurel, encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl, and there is none here")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_the_examples_of_a_page_run_and_print_what_it_says(page, demo, folder, new_database):
    blocks = [block.text for block in page.blocks if block.language == "sh"]
    blocks = [block + UNTIL_SERVED if PUBLISHES.search(block) else block for block in blocks]
    script = f"\nprintf '{SEPARATOR}'\n".join(blocks)
    script = script.replace(":8080", f":{demo.port}").replace(":8081", f":{demo.ops_port}")

    async with contextlib.AsyncExitStack() as stack:
        if DATABASE_URL in script:  # the page is about a server of one's own
            url = await stack.enter_async_context(new_database())
            script = script.replace(DATABASE_URL, url)
        done = await asyncio.to_thread(
            subprocess.run,
            ["/bin/sh", "-e", "-u"],
            input=f"exec 2>&1\n{script}",
            env=environment(PATH=PATH, LAUREL_DATA=str(demo.data)),
            cwd=folder,
            stdout=subprocess.PIPE,
            check=False,
            encoding="utf-8",
        )

    printed = done.stdout.replace(f":{demo.ops_port}", ":8081").replace(f":{demo.port}", ":8080")
    assert done.returncode == 0, printed
    differences = "\n".join(_differences(page, printed.split(SEPARATOR)))
    assert not differences, differences


def _differences(page: Page, printed: list[str]) -> Iterator[str]:
    """Each block of output that is not in what the shell block above it printed."""
    came = None
    outputs = iter(printed)
    for block in page.blocks:
        if block.language == "sh":
            came = next(outputs)
        elif block.language in ("json", "text") and came is not None:
            lines = "".join(f"{line.strip()}\n" for line in came.splitlines())
            if re.search(_pattern(block.text), lines) is None:
                yield f"{page.name}:{block.line}: printed\n{came}"


def _pattern(shown: str) -> str:
    """Line by line; a line `…` stands for any number of lines, an ellipsis in a line for anything in it."""
    lines = [line.strip() for line in shown.splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".+") + r"\n" for line in lines)
    return rf"(?m)^{pattern}"
