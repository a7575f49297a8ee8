"""Every response with a body says what it is, and that browsers must not guess (`nosniff`): of each route, with and without rights."""

import json

import pytest

from service.core.auth import api_keys
from service.server.app import APIS
from tests.api.documented import headers, operations, url_of  # noqa: F401  (a fixture)

QUERY = json.dumps({"query": "{ __typename }"})


@pytest.fixture
def key_of(pool):
    async def made():
        async with pool.connection() as connection:
            return (await api_keys.create_key(connection, title_id=1)).key

    return made


def lacking(response):
    """What a response with a body lacks."""
    has_body = response.status not in {204, 304} and response.headers.get("Content-Length") != "0"
    names = ("Content-Type", "X-Content-Type-Options") if has_body else ()
    return [name for name in names if name not in response.headers]


async def test_every_response_has_a_type_and_nosniff(client, pool, headers):  # noqa: F811
    found = []
    async for method, path, _ in operations(client):
        if path.endswith("/stream") or path == "/connect":
            continue
        for credential in (headers(path), {}):
            sent = {} if method == "get" else {"data": QUERY}
            async with client.request(
                method, url_of(path), headers=credential, allow_redirects=False, **sent
            ) as response:
                found += [(method, path, response.status, name) for name in lacking(response)]
    async with pool.connection() as connection:
        client_id, secret = await api_keys.create_client(connection, title_id=1)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    async with client.post("/oauth/token", data=form) as response:
        assert response.status == 200
        token = (await response.json())["access_token"]
        found += [("post", "/oauth/token", 200, name) for name in lacking(response)]
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with client.post("/graphql", data=QUERY, headers=sent) as response:
        assert response.status == 200
        found += [("post", "/graphql", 200, name) for name in lacking(response)]

    assert found == []


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
async def test_error_of_an_unknown_path_has_them_too(client, api):
    async with client.get(f"{api.prefixes[0]}/nothing/here") as response:
        assert lacking(response) == []
