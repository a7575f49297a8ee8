"""Schemathesis asks what the OpenAPI document allows, and what it does not, and holds the answers to the document.

`FUZZ_EXAMPLES` asks for more a path, and for other ones every time: `make fuzz`.
"""

import asyncio
import os
import pathlib
import sys

import pytest

from service import demo
from service.core.identity import READ_ANY
from tests.making import authorization

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
OPERATIONS = {"xbox": 5, "open-badges": 6}
HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("tag", OPERATIONS)
async def test_every_answer_is_documented(client, services, pool, tmp_path, tag):
    """No fault, no undocumented status, header or member; nothing wrong accepted, nothing right refused."""
    await demo.load(pool)
    await services.releases.refresh()
    await services.rarities.refresh()
    examples = ("--max-examples=25", "--generation-deterministic") if EXAMPLES is None else (f"-n{EXAMPLES}",)

    fuzzer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={HERE / 'fuzz.toml'}"),
        *(
            "run",
            str(client.make_url("/openapi.json")),
            f"--include-tag={tag}",
            "--continue-on-failure",
            "--no-color",
            *examples,
        ),
        f"--header=Authorization: {authorization(scopes=(READ_ANY,))}",
        cwd=tmp_path,  # it keeps a cache where it runs
        env=os.environ | {"NO_PROXY": "127.0.0.1", "SCHEMATHESIS_HOOKS": str(HERE / "fuzz_hooks.py")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await fuzzer.communicate()

    assert fuzzer.returncode == 0, said.decode()
    assert f"Tested: {OPERATIONS[tag]}".encode() in said
