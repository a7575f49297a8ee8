"""Fuzzing with Schemathesis: valid and invalid requests by the OpenAPI document, and responses checked against it.

`FUZZ_EXAMPLES` is the number of examples per operation, random in each run (`make fuzz`).
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
    ("tag", "credential", "tested", "options"),
    [
        pytest.param("xbox", lambda: authorization(scopes=(READ_ANY,)), b"Tested: 5", (), id="xbox"),
        pytest.param("open-badges", lambda: authorization(scopes=(READ_ANY,)), b"Tested: 6", (), id="open badges"),
        # No schema of one parameter can express all rules of locales, titles and versions.
        pytest.param("catalogs", bearer, b"Tested: 21", ("--exclude-checks=positive_data_acceptance",), id="catalogs"),
    ],
)
async def test_responses_conform_to_the_openapi_document(  # noqa: PLR0917  (a row)
    client, services, pool, tmp_path, tag, credential, tested, options
):
    """No fault, undocumented status, header or member; invalid requests are rejected and valid ones accepted."""
    await demo.load(pool)
    await services.snapshots.refresh()
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
            *options,
        ),
        f"--header=Authorization: {credential()}",
        cwd=tmp_path,  # Schemathesis writes a cache into its working directory
        env=os.environ | {"NO_PROXY": "127.0.0.1", "SCHEMATHESIS_HOOKS": str(HERE / "fuzz_hooks.py")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await fuzzer.communicate()

    assert fuzzer.returncode == 0, output.decode()
    assert tested in output
