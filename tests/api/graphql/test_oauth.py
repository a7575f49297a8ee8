"""`POST /oauth/token`: the client credentials grant of RFC 6749, its tokens and its error responses."""

import base64

import pytest

from service.core.auth import api_keys
from tests.factories import authorization

FORM = {"grant_type": "client_credentials"}


@pytest.fixture
async def credentials(academy, client_of):
    return await client_of(academy)


def basic(client_id, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def test_client_credentials_in_form_or_header_return_a_token_for_an_hour(client, credentials):
    client_id, secret = credentials
    in_form = await client.post("/oauth/token", data=FORM | {"client_id": client_id, "client_secret": secret})
    in_header = await client.post("/oauth/token", data=FORM, headers=basic(*credentials))

    for response in (in_form, in_header):
        result = await response.json()
        assert (response.status, result["token_type"], result["expires_in"], result["scope"]) == (
            200,
            "Bearer",
            3600,
            "contexts",
        )
        assert response.headers["Cache-Control"] == "no-store"
        assert result["access_token"].count(".") == 2


async def test_token_is_accepted_by_this_api_only(client, services, credentials):
    token = await services.oauth_clients.issue_token(*credentials)
    elsewhere = await client.get("/users/xuid(1)/achievements", headers={"Authorization": f"XBL3.0 x=-;{token}"})

    assert services.oauth_clients.is_client_token(f"Bearer {token}")
    assert not services.oauth_clients.is_client_token(authorization())
    assert elsewhere.status == 401


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        pytest.param({}, {}, 400, "unsupported_grant_type", id="no grant"),
        pytest.param({"grant_type": "password"}, {}, 400, "unsupported_grant_type", id="another grant"),
        pytest.param(FORM, {}, 401, "invalid_client", id="no client"),
        pytest.param(FORM | {"client_id": "cli_aaaaaaaaaa"}, {}, 401, "invalid_client", id="no secret"),
        pytest.param(FORM, basic("cli_aaaaaaaaaa", "x"), 401, "invalid_client", id="no such client"),
        pytest.param(FORM, {"Authorization": "Basic !!"}, 401, "invalid_client", id="no base64"),
        pytest.param(FORM, {"Authorization": "Bearer a.b.c"}, 401, "invalid_client", id="another scheme"),
        pytest.param(FORM | {"scope": "everything"}, basic("a", "b"), 400, "invalid_scope", id="another scope"),
        pytest.param(FORM | {"client_secret": "x"}, basic("a", "b"), 400, "invalid_request", id="two ways at once"),
    ],
)
async def test_error_responses_follow_the_rfc(client, form, headers, status, error):
    response = await client.post("/oauth/token", data=form or {"a": "b"}, headers=headers)
    result = await response.json()

    assert (response.status, result["error"]) == (status, error)
    assert isinstance(result["error_description"], str)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        pytest.param(b"{}", "application/json", 415, id="JSON"),
        pytest.param(b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", 400, id="twice"),
        pytest.param(b"a=\xff", "application/x-www-form-urlencoded", 400, id="no UTF-8"),
        pytest.param(b"&".join([b"a=b"] * 99), "application/x-www-form-urlencoded", 400, id="many"),
        pytest.param(b"a" * 9000, "application/x-www-form-urlencoded", 413, id="large"),
    ],
)
async def test_body_that_is_not_a_small_form_is_rejected(client, body, media_type, status):
    response = await client.post("/oauth/token", data=body, headers={"Content-Type": media_type})

    assert (response.status, (await response.json())["error"]) == (status, "invalid_request")


async def test_unsupported_method_and_unknown_path_are_rejected(client):
    method, path = await client.get("/oauth/token"), await client.post("/oauth/else")

    assert (method.status, method.headers["Allow"], (await method.json())["error"]) == (405, "POST", "invalid_request")
    assert (path.status, (await path.json())["error"]) == (404, "invalid_request")


async def test_revoked_client_and_changed_secret_are_rejected(client, pool, credentials):
    client_id, secret = credentials
    changed = await client.post("/oauth/token", data=FORM, headers=basic(client_id, secret[:-1] + "~"))
    async with pool.connection() as connection:
        known = [key.key_id for key in await api_keys.list_keys(connection, 1) if key.prefix == client_id]
        await api_keys.revoke(connection, title_id=1, key_ids=known)
    revoked = await client.post("/oauth/token", data=FORM, headers=basic(client_id, secret))

    assert (changed.status, revoked.status) == (401, 401)
    assert secret not in await changed.text()


async def test_token_of_a_revoked_client_ends_with_the_next_poll(client, pool, services, credentials):
    client_id, secret = credentials
    issued = await client.post("/oauth/token", data=FORM, headers=basic(client_id, secret))
    token = {"Authorization": f"Bearer {(await issued.json())['access_token']}"}
    query = {"json": {"query": "{ __typename }"}, "headers": token}
    before = await client.post("/graphql", **query)
    async with pool.connection() as connection:
        known = [key.key_id for key in await api_keys.list_keys(connection, 1) if key.prefix == client_id]
        await api_keys.revoke(connection, title_id=1, key_ids=known)

    assert await services.api_keys.refresh() == [client_id]
    after = await client.post("/graphql", **query)

    assert (before.status, after.status) == (200, 401)


async def test_clients_and_api_keys_are_not_interchangeable(client, pool, credentials):
    async with pool.connection() as connection:
        key = (await api_keys.create_key(connection, title_id=1)).key
    as_key = await client.get("/achievements", headers={"X-API-KEY": ".".join(credentials)})
    as_client = await client.post("/oauth/token", data=FORM, headers=basic(*key.split(".")))

    assert (as_key.status, as_client.status) == (401, 401)
