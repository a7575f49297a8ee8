"""The audits of GraphQL over HTTP of the npm package `graphql-http`, run against this API."""

import asyncio
import json
import pathlib
import shutil

import pytest

from tests.api.graphql.conftest import USER

NODE = pathlib.Path(__file__).parents[2] / "node"


@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules" / "graphql-http").exists(),
    reason="needs Node.js and its packages: install nodejs and npm, then make setup",
)
async def test_every_audit_passes(client, application, make_context):
    await make_context(USER)
    process = await asyncio.create_subprocess_exec(
        *("node", str(NODE / "audits.mjs"), str(client.make_url("/graphql")), application, USER),
        stdout=asyncio.subprocess.PIPE,
    )
    result, _ = await asyncio.wait_for(process.communicate(), 60)
    audits = [json.loads(line) for line in result.splitlines()]

    assert process.returncode == 0
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == 61
