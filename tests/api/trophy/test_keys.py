"""Keys with scopes, an expiry and a name: every route of the APIs that take keys, what history shows, and the last use."""

import datetime
import re

import pytest

from service.api.open_badges import API as OPEN_BADGES
from service.api.trophy import API as TROPHY
from service.core.auth import api_keys
from service.core.auth.principal import KEY_SCOPES
from service.errors import InvalidField

BULK = ("POST", "/admin/v1/metrics/events")


def scope_of(method, path):
    """What a key needs for a route."""
    if (method, path) == BULK:
        return "events"
    return "authoring" if path.startswith("/admin/") else "read" if method == "GET" else "events"


# Without the routes that take no key.
ROUTES = [
    (route.method, route.path)
    for api in (TROPHY, OPEN_BADGES)
    for route in api.routes
    if api is TROPHY or "{user}" in route.path
]


def filled(path):
    """A path with values for its parameters."""
    values = {"title_id": "1", "user": "u1", "id": "u1"}
    return re.sub(r"\{(\w+)(?::(?:[^{}]|\{\d+\})*)?\}", lambda match: values.get(match[1], "x"), path)


@pytest.fixture
def make_key(pool, title):
    async def made(**about):
        async with pool.connection() as connection:
            return await api_keys.create_key(connection, title_id=title, **about)

    return made


async def test_key_reaches_a_route_only_with_its_scope(client, make_key):
    keys = {scope: (await make_key(scopes=(scope,))).key for scope in KEY_SCOPES}
    wrong = []
    for method, path in ROUTES:
        for scope, key in keys.items():
            body = None if method == "GET" else b"[]"
            async with client.request(method, filled(path), headers={"X-API-KEY": key}, data=body) as response:
                if (response.status == 403) == (scope == scope_of(method, path)):
                    wrong.append((method, path, scope, response.status))

    assert len(ROUTES) > 40
    assert wrong == []


async def test_users_key_may_be_limited_to_reading_or_to_events(trophy, make_key):
    await trophy("POST", "/users", {"id": "u1"}, status=201)
    reads = (await make_key(player="u1", scopes=("read",))).key
    writes = (await make_key(player="u1", scopes=("events",))).key
    event = {"user": {"id": "u1"}, "value": 1}

    await trophy("GET", "/users/u1", key=reads)
    refused = await trophy("POST", "/metrics/words/event", event, key=reads, status=403)
    await trophy("POST", "/metrics/words/event", event, key=writes, status=201)
    await trophy("PATCH", "/users/u1", {"name": "Ann"}, key=writes)
    await trophy("GET", "/users/u1", key=writes, status=403)

    assert refused["error"] == "this key lacks the scope events"


async def test_users_key_cannot_have_the_scope_for_authoring(make_key):
    with pytest.raises(InvalidField, match="authoring"):
        await make_key(player="u1", scopes=("authoring",))


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\nb"])
async def test_name_of_a_key_is_a_short_line(make_key, name):
    with pytest.raises(InvalidField, match="name"):
        await make_key(name=name)


async def test_expired_key_is_rejected_even_if_it_is_cached(trophy, make_key, services, connection):
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    made = await make_key(expires_at=soon)
    await trophy("GET", "/achievements", key=made.key)

    services.api_keys.clock = soon.timestamp

    refused = await trophy("GET", "/achievements", key=made.key, status=401)
    assert "expired" in refused["error"]
    services.api_keys.clock = lambda: 0.0
    await connection.execute("UPDATE api_key SET expires_at = now() WHERE key_id = $1", made.key_id)
    await services.api_keys.refresh()
    await trophy("GET", "/achievements", key=made.key, status=401)


async def test_key_cannot_be_made_with_an_expiry_in_the_past(make_key):
    with pytest.raises(InvalidField, match="future"):
        await make_key(expires_at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))


async def test_history_names_the_key_that_changed_a_definition(trophy, make_key, connection):
    named = await make_key(name="Studio tools")
    body = [{"name": "Steps taken", "key": "strides", "unitType": "number"}]
    made = await trophy("POST", "/admin/v1/metrics", body, key=named.key, status=201)

    assert made["issues"] == []
    assert (
        await connection.fetchval("SELECT editor_name(actor) FROM publication ORDER BY publication_id DESC LIMIT 1")
        == f"Studio tools ({named.prefix})"
    )
    assert (
        await connection.fetchval(
            "SELECT editor_name(actor) FROM text_revision WHERE origin = 'admin' ORDER BY at DESC LIMIT 1"
        )
        == f"Studio tools ({named.prefix})"
    )


async def test_last_use_is_written_in_batches(trophy, make_key, services, connection):
    keys = [await make_key() for _ in range(3)]
    for made in keys[:2]:
        await trophy("GET", "/achievements", key=made.key)
        await trophy("GET", "/achievements", key=made.key)

    before = await connection.fetchval("SELECT count(last_used_at) FROM api_key")
    await services.api_keys.record_use()
    after = await connection.fetch("SELECT prefix FROM api_key WHERE last_used_at IS NOT NULL")

    assert before == 0
    assert {row["prefix"] for row in after} == {made.prefix for made in keys[:2]}
    listed = {key.prefix: key.last_used_at for key in await api_keys.list_keys(connection, 1)}
    assert [listed[made.prefix] is not None for made in keys] == [True, True, False]
