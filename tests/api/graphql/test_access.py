"""Access to badges: 401 and 403 before anything runs, for every kind of user context."""

import pytest

from tests.api.graphql.conftest import ADMINISTRATOR, BLOCKED, GUEST, USER
from tests.factories import OTHER, PLAYER, authorization

LIST = "{ getBadges { nodes { id } } }"
ONE = '{ getBadge(badgeId: "posted") { id } }'


@pytest.fixture(autouse=True)
async def users(make_context):
    return {
        USER: await make_context(USER),
        GUEST: await make_context(GUEST, player="guest", scopes=()),
        ADMINISTRATOR: await make_context(ADMINISTRATOR, player="admin", scopes=("ADMINISTRATOR", "AUTHENTICATED")),
        BLOCKED: await make_context(BLOCKED, player="blocked", is_active=False),
    }


@pytest.mark.parametrize("query", [LIST, ONE])
@pytest.mark.parametrize(
    ("user", "status", "code"),
    [
        pytest.param(GUEST, 401, "UNAUTHENTICATED", id="no scope"),
        pytest.param(BLOCKED, 403, "FORBIDDEN", id="not active"),
        pytest.param("00000000-0000-4000-8000-000000000009", 403, "FORBIDDEN", id="unknown"),
        pytest.param("no uuid", 403, "FORBIDDEN", id="no UUID"),
        pytest.param(None, 403, "FORBIDDEN", id="no header"),
    ],
)
async def test_invalid_user_context_returns_no_data(ask_badges, query, user, status, code):
    for media_type in ("application/json", "application/graphql-response+json"):
        result = await ask_badges(query, user=user, status=status, headers={"Accept": media_type})
        assert "data" not in result
        assert [error["extensions"]["code"] for error in result["errors"]] == [code]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="no token"),
        pytest.param({"Authorization": "Bearer a.b.c"}, id="a bad token"),
        pytest.param({"Authorization": "Basic eA=="}, id="another scheme"),
    ],
)
async def test_missing_or_invalid_token_returns_401(client, sent):
    response = await client.post("/graphql", json={"query": LIST}, headers=sent | {"Opigno-Client-UUID": USER})
    result = await response.json()

    assert (response.status, result["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert "data" not in result
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_only_administrators_read_badges_of_other_users(ask_badges, users, give):
    await give(1, {6: 1}, player=PLAYER)
    query = 'query ($id: ID) { getBadge(badgeId: "posted", userContextId: $id) { status } }'
    wanted = {"id": str(users[USER].context_id)}
    refused = await ask_badges(query, {"id": str(users[GUEST].context_id)}, user=USER, status=403)
    own = await ask_badges(query, wanted, user=USER)
    allowed = await ask_badges(query, wanted, user=ADMINISTRATOR)

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert own == allowed == {"data": {"getBadge": {"status": "EARNED"}}}


@pytest.mark.parametrize("wanted", ["0", "-1", "999999999", "99999999999999999999", "x", "", "1' OR 1=1"])
async def test_unknown_user_context_id_is_forbidden_for_administrators(ask_badges, wanted):
    query = 'query ($id: ID) { getBadge(badgeId: "posted", userContextId: $id) { status } }'
    result = await ask_badges(query, {"id": wanted}, user=ADMINISTRATOR)

    assert result["data"] == {"getBadge": None}
    assert result["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_denied_root_field_does_not_affect_others(ask_badges, users):
    result = await ask_badges(
        'query ($id: ID) { own: getBadge(badgeId: "posted") { id } other: getBadge(userContextId: $id) { id } }',
        {"id": str(users[GUEST].context_id)},
    )

    assert result["data"] == {"own": {"id": "posted"}, "other": None}
    assert [error["path"] for error in result["errors"]] == [["other"]]


async def test_player_token_reads_only_the_players_own_badges(ask_badges, academy, make_context):
    own = authorization(PLAYER, title_id=academy).partition(";")[2]
    await make_context("00000000-0000-4000-8000-000000000007", player=OTHER)
    seen = await ask_badges(LIST, user=None, authorization=f"Bearer {own}")
    named = await ask_badges(LIST, user=USER, authorization=f"Bearer {own}")
    other = await ask_badges(
        LIST, user="00000000-0000-4000-8000-000000000007", authorization=f"Bearer {own}", status=403
    )

    assert len(seen["data"]["getBadges"]["nodes"]) == 7
    assert seen == named
    assert "data" not in other


async def test_token_without_title_or_of_another_title_is_forbidden(ask_badges, make_title, client_of, services):
    await make_title(2)
    of_no_title = await ask_badges(LIST, authorization=authorization(PLAYER), user=None, status=403)
    other = f"Bearer {await services.oauth_clients.issue_token(*await client_of(2))}"
    of_another = await ask_badges(LIST, authorization=other, status=403)

    assert "claim xti" in of_no_title["errors"][0]["message"]
    assert "data" not in of_another


async def test_only_applications_read_and_set_user_contexts(ask_badges, academy):
    own = "Bearer " + authorization(PLAYER, title_id=academy).partition(";")[2]
    reading = f'{{ getUserContext(uuid: "{USER}") {{ id }} }}'
    making = f'mutation {{ setUserContext(uuid: "{USER}", displayName: "x", scope: [ADMINISTRATOR]) {{ errors }} }}'

    for query in (reading, making):
        result = await ask_badges(query, user=None, authorization=own, status=403)
        assert result["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_introspection_requires_authentication(ask_badges, client):
    known = await ask_badges("{ __schema { queryType { name } } }", user=None)
    unknown = await client.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})

    assert known == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert unknown.status == 401
