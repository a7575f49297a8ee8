"""User contexts: applications set and read them through GraphQL."""

import pytest

from tests.api.graphql.conftest import USER

PUT = """mutation ($uuid: ID!, $name: String!, $active: Boolean, $scope: [UserContextScope!], $player: ID) {
    setUserContext(uuid: $uuid, displayName: $name, isActive: $active, scope: $scope, player: $player) {
        errors response { id uuid displayName isActive scope } } }"""
GET = "query ($uuid: ID!) { getUserContext(uuid: $uuid) { id uuid displayName isActive scope } }"
LIST = "{ getBadges { totalItems } }"


async def test_new_user_context_can_be_read_and_used(ask_badges):
    made = await ask_badges(PUT, {"uuid": USER, "name": "Ada", "scope": ["AUTHENTICATED"]})
    read = await ask_badges(GET, {"uuid": USER})
    badges = await ask_badges(LIST)

    response = made["data"]["setUserContext"]["response"]
    assert made["data"]["setUserContext"]["errors"] == []
    assert response | {"id": ""} == {
        "id": "",
        "uuid": USER,
        "displayName": "Ada",
        "isActive": True,
        "scope": ["AUTHENTICATED"],
    }
    assert read["data"]["getUserContext"] == response
    assert badges == {"data": {"getBadges": {"totalItems": 7}}}


async def test_inactive_user_context_is_forbidden_at_once(ask_badges):
    values = {"uuid": USER, "name": "Ada", "scope": ["AUTHENTICATED"]}
    await ask_badges(PUT, values)
    await ask_badges(LIST)
    await ask_badges(PUT, values | {"active": False})

    assert "data" not in await ask_badges(LIST, status=403)


async def test_user_context_can_name_an_existing_player(ask_badges, client, key_of):
    key = await key_of()
    await client.post(
        "/metrics/social-posts/event",
        json={"user": {"id": "ada"}, "value": 2},
        headers={"X-API-KEY": key},
    )
    await ask_badges(PUT, {"uuid": USER, "name": "Ada", "scope": ["AUTHENTICATED"], "player": "ada"})
    result = await ask_badges('{ getBadge(badgeId: "posted") { status } }')

    assert result == {"data": {"getBadge": {"status": "EARNED"}}}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"uuid": "x"}, "uuid: expected a UUID such as", id="no UUID"),
        pytest.param({"name": ""}, "displayName: expected 1 to 255 characters", id="no name"),
        pytest.param({"name": "a" * 300}, "displayName: expected 1 to 255 characters", id="a long name"),
        pytest.param({"player": "a" * 129}, "player: expected 1 to 128 characters", id="a long player"),
        pytest.param({"player": "a\x7f"}, "player: expected 1 to 128 characters", id="a control character"),
    ],
)
async def test_invalid_user_context_is_reported_and_not_stored(ask_badges, values, error):
    result = await ask_badges(PUT, {"uuid": USER, "name": "Ada"} | values)
    found = result["data"]["setUserContext"]

    assert found["response"] is None
    assert found["errors"][0].startswith(error)
    assert (await ask_badges(GET, {"uuid": USER}))["data"] == {"getUserContext": None}


async def test_unknown_or_malformed_uuid_returns_null(ask_badges):
    unknown = await ask_badges(GET, {"uuid": "00000000-0000-4000-8000-000000000009"})
    none = await ask_badges(GET, {"uuid": "none"})

    assert unknown == none == {"data": {"getUserContext": None}}
