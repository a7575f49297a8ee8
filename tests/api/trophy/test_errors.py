"""Keys that may not, bodies that cannot be read, and browsers of other origins: always `{"error": "text"}`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SDK = {"X-Fern-Language": "JavaScript"}


def event(value=1, user="u1", **more):
    return {"user": {"id": user}, "value": value} | more


async def test_users_key_reaches_only_that_user(trophy, key_of):
    key = await key_of("u1")
    await trophy("POST", "/metrics/words/event", event(), status=201, key=key)
    await trophy("GET", "/users/u1", key=key)
    await trophy("GET", "/achievements", key=key)

    for method, path, body in (
        ("GET", "/users/u2", None),
        ("POST", "/metrics/words/event", event(user="u2")),
        ("PUT", "/users/u2", {}),
        ("GET", "/streaks?userIds=u2", None),
    ):
        assert "another user" in (await trophy(method, path, body, status=403, key=key))["error"]


@pytest.mark.usefixtures("title")
@pytest.mark.parametrize("key", ["", "x", "lrl_AAAAAAAAAA." + "A" * 43, "lrl_AAAAAAAAAA", "é"])
async def test_invalid_key_is_a_401_in_trophys_shape(client, key):
    response = await client.get("/achievements", headers={"X-API-KEY": key} if key else {})

    assert response.status == 401
    assert list(await response.json()) == ["error"]
    assert key not in (await response.text()) or not key or key == "x"


async def test_revoked_key_is_rejected_after_the_next_refresh(trophy, services, pool, key_of):
    from service.core.auth import api_keys

    key = await key_of()
    await trophy("GET", "/achievements", key=key)
    async with pool.connection() as connection:
        known = await api_keys.list_keys(connection, 1)
        await api_keys.revoke(connection, title_id=1, key_ids=[k.key_id for k in known if key.startswith(k.prefix)])
    await services.api_keys.refresh()

    await trophy("GET", "/achievements", key=key, status=401)
    await trophy("GET", "/achievements")


@pytest.mark.usefixtures("trophy")
@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b'{"user":{"id":"u"},"value":' + b"[" * 60_000, 400, "nested"),
        (b"[" * 100_000, 413, "65536"),
        (b'{"user":{"id":"\\u0000"},"value":1}', 400, "NUL"),
        (b'{"user":{"id":"\\ud800"},"value":1}', 400, "not JSON"),
        (b'{"user":{"id":"\xff"},"value":1}', 400, "not JSON"),
        (b"[]", 422, "body: expected object, got array"),
        (b"{}", 422, "user: expected a value, and it is missing"),
        (b'{"user":{"id":1},"value":1}', 422, "user.id: expected str, got int"),
        (b'{"user":{"id":""},"value":1}', 422, "user.id: expected 1 to 128"),
        (b'{"user":{"id":"u"}}', 422, "value"),
        (b'{"user":{"id":"u"},"value":"1"}', 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":true}', 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":null}', 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":' + b"9" * 400 + b"}", 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":1e400}', 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":1e16}', 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":1e-10}', 422, "value: expected a number"),
        (b'{"user":{"id":"u"},"value":NaN}', 400, "not JSON"),
        (b'{"user":{"id":"u","tz":"Mars/Phobos"},"value":1}', 422, "user.tz: expected an IANA"),
        (b'{"user":{"id":"u","attributes":{"pln":"x"}},"value":1}', 422, "Invalid attribute keys: pln. Please ensure"),
        (b'{"user":{"id":"u"},"value":1,"attributes":{"x":"y"}}', 422, "Invalid attribute keys: x. Please ensure"),
        (b'{"user":{"id":"u"},"value":1,"timestamp":"2999-01-01T00:00:00Z"}', 422, "timestamp: expected a time"),
        (b'{"user":{"id":"u"},"value":1,"timestamp":"2026-02-31T00:00:00Z"}', 422, "timestamp: expected a time"),
        (b'{"user":{"id":"' + b"u" * 70_000 + b'"},"value":1}', 413, "65536"),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else None,
)
async def test_invalid_body_gets_a_clear_error(client, key_of, connection, body, status, said):  # noqa: PLR0917  (fixtures, and the parts of a case)
    response = await client.post("/metrics/words/event", data=body, headers={"X-API-KEY": await key_of()})

    assert (response.status, said in (await response.json())["error"]) == (status, True), await response.text()
    assert await connection.fetchval("SELECT count(*) FROM event") == 0


async def test_each_invalid_request_gets_its_own_status(trophy, client, key_of):
    assert (await trophy("POST", "/metrics/nothing/event", event(), status=422)) == {"error": "Metric not found"}
    assert "archived" in (await trophy("POST", "/metrics/old/event", event(), status=422))["error"]
    await trophy("POST", "/achievements/nothing/complete", {"user": {"id": "u"}}, status=404)
    await trophy("POST", "/achievements/1/complete", {"user": {"id": "u"}}, status=422)
    for key in ("é", "", "x" * 256):
        await trophy("POST", "/metrics/words/event", event(), status=422, headers={"Idempotency-Key": key})
    await trophy("GET", "/users/%00", status=422)
    await trophy("DELETE", "/achievements", status=405)
    assert await trophy("GET", "/v1/nothing", status=404) == {"error": "there is nothing at this path"}
    gzip = {"X-API-KEY": await key_of(), "Content-Encoding": "gzip"}
    assert (await client.post("/users", data=b"{}", headers=gzip, skip_auto_headers=())).status in (400, 415)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["user", "id", "value", "attributes", "timestamp", "tz"]), inner, max_size=4
            )
        ),
    ),
    path=st.sampled_from(["/metrics/words/event", "/users", "/achievements/onboarded/complete"]),
)
async def test_any_json_body_is_no_internal_error(trophy, body, path):
    response = await trophy("POST", path, body, status=None, raw=True)

    assert response.status < 500, await response.text()


@pytest.mark.usefixtures("trophy")
async def test_browser_of_an_allowed_origin_may_send_requests(client):
    asked = {"Origin": "https://game.example.com", "Access-Control-Request-Method": "POST"}
    assert (await client.options("/metrics/words/event", headers=asked)).status == 405
