"""User contexts as applications make and read them through GraphQL."""

import pytest

from tests.api.graphql.conftest import USER

PUT = """mutation ($uuid: ID!, $name: String!, $active: Boolean, $scope: [UserContextScope!], $player: ID) {
    setUserContext(uuid: $uuid, displayName: $name, isActive: $active, scope: $scope, player: $player) {
        errors response { id uuid displayName isActive scope } } }"""
GET = "query ($uuid: ID!) { getUserContext(uuid: $uuid) { id uuid displayName isActive scope } }"
LIST = "{ getBadges { totalItems } }"


async def test_a_context_that_was_made_can_be_read_and_asked_as(ask_badges):
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


async def test_a_context_that_is_made_inactive_may_ask_nothing_at_once(ask_badges):
    values = {"uuid": USER, "name": "Ada", "scope": ["AUTHENTICATED"]}
    await ask_badges(PUT, values)
    await ask_badges(LIST)
    await ask_badges(PUT, values | {"active": False})

    assert "data" not in await ask_badges(LIST, status=403)


async def test_a_context_may_be_of_a_player_who_is_there_already(ask_badges, client, key_of):
    key = await key_of()
    await client.post(
        "/metrics/social-posts/event",
        json={"user": {"id": "ada"}, "value": 2},
        headers={"X-API-KEY": key},
    )
    await ask_badges(PUT, {"uuid": USER, "name": "Ada", "scope": ["AUTHENTICATED"], "player": "ada"})
    said = await ask_badges('{ getBadge(badgeId: "posted") { status } }')

    assert said == {"data": {"getBadge": {"status": "EARNED"}}}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"uuid": "x"}, "uuid: expected a UUID such as", id="no UUID"),
        pytest.param({"name": ""}, "displayName: expected 1 to 255 characters", id="no name"),
        pytest.param({"name": "a" * 300}, "displayName: expected 1 to 255 characters", id="a long name"),
        pytest.param({"player": "a" * 129}, "player: expected 1 to 128 characters", id="a long player"),
    ],
)
async def test_what_will_not_do_is_said_and_nothing_is_made(ask_badges, values, error):
    said = await ask_badges(PUT, {"uuid": USER, "name": "Ada"} | values)
    found = said["data"]["setUserContext"]

    assert found["response"] is None
    assert found["errors"][0].startswith(error)
    assert (await ask_badges(GET, {"uuid": USER}))["data"] == {"getUserContext": None}


async def test_there_is_no_context_of_an_unknown_uuid_or_of_none(ask_badges):
    unknown = await ask_badges(GET, {"uuid": "00000000-0000-4000-8000-000000000009"})
    none = await ask_badges(GET, {"uuid": "none"})

    assert unknown == none == {"data": {"getUserContext": None}}
