"""Schemathesis asks what the OpenAPI document allows, and what it does not, and holds the answers to the document.

`FUZZ_EXAMPLES` asks for more a path, and for other ones every time: `make fuzz`.
"""

import asyncio
import os
import pathlib
import sys

import pytest

from service import demo
from service.core.auth.principal import READ_ANY
from tests.factories import authorization, bearer

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize(
    ("door", "credential", "tested", "but"),
    [
        pytest.param("xbox", lambda: authorization(scopes=(READ_ANY,)), b"Tested: 5", (), id="xbox"),
        pytest.param("open-badges", lambda: authorization(scopes=(READ_ANY,)), b"Tested: 6", (), id="open badges"),
        # What a locale, a title or a version may be, no schema of one parameter says whole.
        pytest.param("catalogs", bearer, b"Tested: 21", ("--exclude-checks=positive_data_acceptance",), id="catalogs"),
    ],
)
async def test_every_answer_is_documented(  # noqa: PLR0917  (a row)
    client, services, pool, tmp_path, door, credential, tested, but
):
    """No fault, no undocumented status, header or member; nothing wrong accepted, nothing right refused."""
    await demo.load(pool)
    await services.snapshots.refresh()
    await services.rarities.refresh()
    examples = ("--max-examples=25", "--generation-deterministic") if EXAMPLES is None else (f"-n{EXAMPLES}",)

    fuzzer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={HERE / 'fuzz.toml'}"),
        *(
            "run",
            str(client.make_url("/openapi.json")),
            f"--include-tag={door}",
            "--continue-on-failure",
            "--no-color",
            *examples,
            *but,
        ),
        f"--header=Authorization: {credential()}",
        cwd=tmp_path,  # it keeps a cache where it runs
        env=os.environ | {"NO_PROXY": "127.0.0.1", "SCHEMATHESIS_HOOKS": str(HERE / "fuzz_hooks.py")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await fuzzer.communicate()

    assert fuzzer.returncode == 0, said.decode()
    assert tested in said
