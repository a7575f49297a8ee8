"""Progress updates: progress rises and unlocks, who may report, and which reports are rejected."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.auth.principal import WRITE
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import OTHER, PLAYER, SECRET, achievement, authorization, counted, draft, metric, publish_draft

SCID = "00000000-0000-0000-0000-000000000001"
PATH = f"/users/xuid({PLAYER})/achievements/{SCID}/update"
SERVER = {"scopes": (WRITE,), "title_id": 1}


def body(*items, **members):
    """The body of an update of these (id, percent)."""
    update = {
        "action": "progressUpdate",
        "serviceConfigId": SCID,
        "titleId": 1,
        "userId": PLAYER,
        "achievements": [{"id": number, "percentComplete": percent} for number, percent in items],
    }
    return update | members


@pytest.fixture
async def title(make_title):
    """A title with two achievements that are reported, and one that is counted from events."""
    return await make_title(1, achievements=(achievement(1), achievement(2), counted(3, 5)), metrics=(metric(),))


@pytest.fixture
def report(client, title):
    """Sends an update, with the claims of the title's server by default; returns the response."""

    async def reported(update, *, path=PATH, headers=None, **claims):
        sent = {"Authorization": authorization(**(SERVER | claims)), "x-xbl-contract-version": "2"} | (headers or {})
        data = update if isinstance(update, bytes) else json.dumps(update)
        return await client.post(path, data=data, headers=sent)

    del title
    return reported


async def test_progress_rises_unlocks_and_is_read_at_once(report, ask):
    half = await report(body(("1", 50)))
    lower = await report(body(("1", 20)))
    seen = {a["id"]: a for a in (await ask(titleId=1))["achievements"]}
    whole = await report(body((1, "100")))
    again = await report(body(("1", 250)))
    done = {a["id"]: a for a in (await ask(titleId=1))["achievements"]}

    assert [r.status for r in (half, lower, whole, again)] == [200, 304, 200, 304]
    assert [await r.read() for r in (half, lower, whole, again)] == [b""] * 4
    assert (seen["1"]["progressState"], seen["1"]["progression"]["requirements"][0]["current"]) == ("InProgress", "50")
    assert done["1"]["progressState"] == "Achieved"


async def test_concurrent_reports_unlock_once(report, ask):
    statuses = await asyncio.gather(*(report(body(("1", 100))) for _ in range(6)))

    assert sorted(response.status for response in statuses) == [200, 304, 304, 304, 304, 304]
    assert (await ask(titleId=1))["achievements"][0]["progressState"] == "Achieved"


async def test_prefer_representation_returns_the_result_of_each_item(report):
    headers = {"Prefer": "return=representation"}
    response = await report(body(("1", 100), ("2", 30), ("3", 10), ("9", 10), ("2", 0)), headers=headers)
    results = (await response.json())["achievements"]

    assert response.status == 200
    assert results[0] == {"id": "1", "progressState": "Achieved", "percentComplete": 100, "isNew": True}
    assert results[1] == {"id": "2", "progressState": "InProgress", "percentComplete": 30, "isNew": False}
    assert [("error" in result) for result in results] == [False, False, True, True, True]


async def test_one_invalid_item_rejects_the_update(report, ask):
    response = await report(body(("1", 100), ("9", 10)))

    assert response.status == 404
    assert (await ask(titleId=1))["achievements"][0]["progressState"] == "NotStarted"


@pytest.mark.parametrize(
    ("update", "status", "code"),
    [
        (body(("1", 0)), 400, 4000),
        (body(("1", -5)), 400, 4000),
        (body(("1", "1.5")), 400, 4000),
        (body(("x", 5)), 400, 4000),
        (body(), 400, 4000),
        (body(*[("1", 5)] * 101), 400, 4000),
        (body(("3", 5)), 400, 4000),
        (body(("1", 5), action="unlock"), 400, 4000),
        (body(("1", 5), titleId=2), 400, 4000),
        (body(("1", 5), serviceConfigId=SCID.replace("1", "2")), 400, 4000),
        (body(("1", 5), userId=OTHER), 403, 8377),
        ({"action": "progressUpdate"}, 400, 4000),
        (b"{", 400, 4000),
        (b"[" * 60_000, 400, 4000),
        (b" " * 70_000, 413, 4000),
    ],
    ids=lambda value: str(value)[:60] if not isinstance(value, int) else None,
)
async def test_invalid_update_is_rejected(report, update, status, code):
    response = await report(update)

    assert (response.status, (await response.json())["code"]) == (status, code)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scopes": (), "title_id": 1}, 403),  # the title trusts its servers only
        ({"scopes": (WRITE,), "title_id": 2}, 403),
        ({"scopes": (WRITE,), "title_id": None}, 200),
        ({"scopes": ("progress:read-any",), "title_id": 1}, 403),
    ],
    ids=["a player", "another title's server", "a server of all titles", "who may only read"],
)
async def test_only_the_title_server_may_report(report, claims, status):
    assert (await report(body(("1", 50)), **claims)).status == status


async def test_title_may_trust_its_clients(client, make_title):
    await make_title(1, trust="client")

    async def reported(player, **claims):
        headers = {"Authorization": authorization(player, **claims), "x-xbl-contract-version": "2"}
        return (await client.post(PATH, json=body(("1", 50)), headers=headers)).status

    assert await reported(OTHER, title_id=1) == 403
    assert await reported(PLAYER) == 403  # a token that names no title
    assert await reported(PLAYER, title_id=1) == 200


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.dictionaries(
        st.sampled_from(["action", "serviceConfigId", "titleId", "userId", "achievements"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["id", "percentComplete"]), inner, max_size=2)
            ),
            max_leaves=6,
        ),
    )
)
async def test_no_update_causes_an_internal_error(report, members):
    assert (await report(body(("1", 5)) | members)).status in (200, 304, 400, 403, 404)


async def test_progress_written_by_one_process_is_read_by_others_at_once(own_database, aiohttp_client):
    """Two applications on one database, like two worker processes."""
    pools = [await open_pool(own_database, size=2) for _ in range(2)]
    try:
        async with pools[0].transaction() as connection:
            await publish_draft(connection, draft(1, (achievement(1),)))
        observer = Observer(level="error")
        made = [await make_services(Settings(jwt_secret=SECRET), pool, observer) for pool in pools]
        clients = [await aiohttp_client(make_application(services)) for services in made]
        headers = {"Authorization": authorization(**SERVER), "x-xbl-contract-version": "2"}
        currents = []
        for percent in (10, 20, 30, 100):
            writer, reader = clients if percent % 20 else reversed(clients)
            assert (await writer.post(PATH, json=body(("1", percent)), headers=headers)).status == 200
            response = await reader.get(f"/users/xuid({PLAYER})/achievements?titleId=1", headers=headers)
            currents.append((await response.json())["achievements"][0]["progression"]["requirements"][0]["current"])
    finally:
        for pool in pools:
            await pool.close()

    assert currents == ["10", "20", "30", "100"]
