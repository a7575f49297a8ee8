"""Trophy's admin API beyond the tests with its libraries: patches, archives, error responses, unpublished changes."""

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.auth.principal import OPERATOR
from service.core.catalog.model import achievement_key
from service.core.publishing.drafts import draft_of, import_draft
from tests.factories import PLAYER, authorization, counted, draft, metric

A, M, T = "/admin/v1/achievements", "/admin/v1/metrics", "/admin/v1/attributes"


async def make(trophy, path, *items):
    """What was made of these items, all of them."""
    answer = await trophy("POST", path, list(items), status=201)
    assert answer["issues"] == []
    return answer["created"]


async def test_patch_keeps_omitted_members_and_null_clears(trophy):
    (made,) = await make(
        trophy,
        A,
        {
            "name": "Many",
            "trigger": "metric",
            "metricId": "metric-words",
            "metricValue": 7.5,
            "description": "So many.",
            "badge": {"url": "https://example.com/b.png"},
            "eventAttributes": [{"attributeId": "attribute-source", "attributeValue": "app"}],
            "userAttributes": [{"attributeId": "attribute-plan", "attributeValue": "pro"}],
        },
    )

    async def patched(**changes):
        answer = await trophy("PATCH", A, [{"id": made["id"], **changes}])
        assert answer["issues"] == []
        return answer["updated"][0]

    assert (made["status"], made["metricValue"]) == ("inactive", 7.5)
    assert await patched(name="More") == made | {"name": "More"}
    cleared = await patched(description=None, badge=None, eventAttributes=None, userAttributes=None)
    assert [cleared[name] for name in ("description", "badge", "eventAttributes", "userAttributes")] == [
        None,
        None,
        [],
        [],
    ]
    turned = await patched(trigger="streak", streakLength=3)
    assert (turned["trigger"], turned["streakLength"], "metricId" in turned) == ("streak", 3, False)
    assert await trophy("GET", f"{A}/{made['id']}") == turned


async def test_archived_definition_is_gone_and_its_key_stays_in_use(trophy):
    (made,) = await make(trophy, M, {"name": "Lamps", "key": "lamps"})
    gone = await trophy("DELETE", f"{M}?ids={made['id']}")
    again = await trophy("POST", M, [{"name": "Lamps", "key": "lamps"}])

    assert gone == {"deleted": [{"id": made["id"]}], "issues": []}
    assert again["created"] == []
    assert again["issues"][0]["message"] == "Key already in use by another metric"
    await trophy("GET", f"{M}/{made['id']}", status=404)
    event = {"user": {"id": "u"}, "value": 1}
    assert "archived" in (await trophy("POST", "/metrics/lamps/event", event, status=422))["error"]


async def test_earned_achievement_stays_when_locked_and_goes_when_archived(trophy):
    (made,) = await make(trophy, A, {"name": "Now", "trigger": "api", "key": "now", "status": "active"})
    await trophy("POST", "/achievements/now/complete", {"user": {"id": "u1"}}, status=201)
    await trophy("POST", "/users", {"id": "u2"}, status=201)
    await trophy("PATCH", A, [{"id": made["id"], "status": "locked"}])

    async def listed(user):
        whole = await trophy("GET", f"/users/{user}/achievements", includeIncomplete="true")
        return made["id"] in [one["id"] for one in whole]

    assert (await listed("u1"), await listed("u2")) == (True, False)
    assert made["id"] not in [one["id"] for one in await trophy("GET", "/achievements")]
    await trophy("POST", "/achievements/now/complete", {"user": {"id": "u2"}}, status=404)
    await trophy("DELETE", f"{A}?ids={made['id']}")
    assert await listed("u1") is False


async def test_activating_an_achievement_unlocks_it_for_users_who_had_reached_it(trophy, services, pool):
    from service.core.events import backfill

    await trophy("POST", "/metrics/steps/event", {"user": {"id": "u1"}, "value": 50}, status=201)
    item = {"name": "Steps", "trigger": "metric", "metricId": "metric-steps", "metricValue": 40, "status": "active"}
    (made,) = await make(trophy, A, item)
    while await backfill.run_step(pool, services.writer, services.snapshots):
        pass

    assert made["id"] in [one["id"] for one in await trophy("GET", "/users/u1/achievements")]


async def test_admin_release_publishes_no_unpublished_texts(trophy, pool, client, key_of):
    """A team edits a name and publishes nothing; the admin API makes an achievement; players see the old name."""
    edited = draft(1, (counted(1, 10),), metrics=(metric(),))
    edited.texts["en-US"][achievement_key(1, "name")] = "Not yet"
    async with pool.transaction() as connection:
        await import_draft(connection, OPERATOR, edited, mode="partial")
    await make(trophy, A, {"name": "New", "trigger": "api", "key": "new", "status": "active"})

    names = [one["name"] for one in await trophy("GET", "/achievements")]
    async with pool.connection() as connection:
        kept = await draft_of(connection, 1)
    assert ("Name 1" in names, "Not yet" in names, "New" in names) == (True, False, True)
    assert kept.texts["en-US"][achievement_key(1, "name")] == "Not yet"
    response = await client.get(
        f"/users/xuid({PLAYER})/achievements?titleId=1",
        headers={"Authorization": authorization(), "x-xbl-contract-version": "2"},
    )
    assert "New" in [one["name"] for one in (await response.json())["achievements"]]
    assert key_of


async def test_lists_have_a_limit_and_an_offset(trophy):
    await make(trophy, T, *({"name": f"A{n}", "key": f"a{n}", "type": "event"} for n in range(12)))

    keys = [one["key"] for one in await trophy("GET", T)]
    assert len(keys) == 10
    assert [one["key"] for one in await trophy("GET", T, limit=3, skip=11)] == ["a9", "a10", "a11"]
    for bad in ({"limit": 0}, {"limit": 101}, {"skip": -1}, {"limit": "x"}):
        await trophy("GET", T, status=422, **bad)


@pytest.mark.parametrize(
    ("path", "item", "said"),
    [
        (T, {"name": 1, "key": "a", "type": "user"}, "Name not a string"),
        (T, {"name": "A", "key": "plan", "type": "user"}, "Key already in use by another attribute"),
        (T, {"name": "A", "key": "a", "type": "both"}, "type: "),
        (M, {"name": "A", "key": "é"}, "key: expected 1 to 128 letters"),
        (M, {"name": "A"}, "key: expected a value, and it is missing"),
        (A, {"name": "A", "trigger": "metric", "metricId": "x", "metricValue": 5}, "Metric not found by ID"),
        (A, {"name": "A", "trigger": "metric", "metricId": "metric-words"}, "Metric value is required"),
        (A, {"name": "A", "trigger": "metric", "metricId": "metric-words", "metricValue": 0.5}, "metricValue: expected 1"),
        (A, {"name": "A", "trigger": "streak", "streakLength": 0}, "streakLength: expected a whole number"),
        (A, {"name": "A", "trigger": "achievement", "achievementIds": ["x"]}, "there is no achievement 'x'"),
        (A, {"name": "A", "trigger": "achievement"}, "achievementIds: expected at least one"),
        (A, {"name": "A", "trigger": "api", "key": "onboarded"}, "Key already in use by another achievement"),
        (A, {"name": "A", "trigger": "api", "key": "a b"}, "key: expected 1 to 128 letters"),
        (A, {"name": "A", "trigger": "metric", "metricId": "metric-words", "metricValue": 5,
             "eventAttributes": [{"attributeId": "x", "attributeValue": "y"}]}, "Attribute not found by ID"),
        (A, {"name": "", "trigger": "api", "key": "a"}, "there is no text"),
        (A, {"name": "A", "trigger": "api", "key": "a", "badge": {"url": "javascript:1"}}, "url"),
    ],
)  # fmt: skip
async def test_invalid_item_is_an_issue_and_creates_nothing(trophy, path, item, said):
    answer = await trophy("POST", path, [item])

    assert answer["created"] == []
    (issue,) = answer["issues"]
    assert (issue["index"], issue["severity"], said in issue["message"]) == (0, "error", True), issue


async def test_patching_an_immutable_member_is_an_issue(trophy):
    for path, name, change in ((M, "metric-words", {"key": "x"}), (T, "attribute-plan", {"type": "event"})):
        answer = await trophy("PATCH", path, [{"id": name, **change}])
        assert "never changes" in answer["issues"][0]["message"]
    assert "not found by ID" in (await trophy("PATCH", M, [{"id": "x"}]))["issues"][0]["message"]


async def test_patch_item_that_is_no_object_is_an_issue_and_the_others_are_updated(trophy):
    answer = await trophy("PATCH", T, [1, {"id": "attribute-plan", "name": "Tier"}])

    assert [attribute["name"] for attribute in answer["updated"]] == ["Tier"]
    assert [(issue["index"], issue["severity"]) for issue in answer["issues"]] == [(0, "error")]


@pytest.mark.parametrize("size", [0, 101])
async def test_body_must_have_1_to_100_items(trophy, size):
    await trophy("POST", M, [{"name": "x", "key": f"k{n}"} for n in range(size)], status=422)


async def test_users_key_may_not_change_definitions(trophy, key_of):
    key = await key_of("u1")
    for method, path in (("GET", M), ("POST", A), ("DELETE", f"{T}?ids=x"), ("POST", "/admin/v1/metrics/events")):
        await trophy(method, path, [], status=403, key=key)


async def test_event_batch_reports_each_result(trophy):
    def one(user, value=1, **more):
        return {"key": "words", "user": {"id": user}, "value": value} | more

    events = [one("u1", idempotencyKey="a"), one("u2", 10**15), one("u1", idempotencyKey="a"), one("u1")]
    answer = await trophy("POST", "/admin/v1/metrics/events", events, status=202, headers={"Prefer": "respond-sync"})

    assert answer["accepted"] == 4
    assert [event["idempotentReplayed"] for event in answer["events"]] == [False, False, True, False]
    assert (await trophy("GET", "/users/u1/metrics/words"))["current"] == 2
    assert await trophy("POST", "/admin/v1/metrics/events", [one("u1") | {"key": "x"}], status=404) == {
        "error": "Metric not found"
    }
    refused = await trophy("POST", "/admin/v1/metrics/events", [one("u1"), one("")], status=422)
    assert refused["error"].startswith("[1].user.id: expected 1 to 128")
    assert (await trophy("GET", "/users/u1/metrics/words"))["current"] == 2
    await trophy("POST", "/admin/v1/metrics/events", [one("u1")] * 1001, status=422)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "name", "key", "type", "trigger", "metricId", "metricValue", "streakLength", "achievementIds",
             "badge", "url", "userAttributes", "eventAttributes", "user", "value", "status", "userId"]
        ),
        inner | st.sampled_from(["metric", "api", "streak", "achievement", "words", "metric-words", "active", "user"]),
        max_size=6,
    ),
)  # fmt: skip


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.lists(JSON, max_size=3) | JSON,
    path=st.sampled_from([T, M, A, "/admin/v1/metrics/events", "/admin/v1/application-api-keys"]),
    method=st.sampled_from(["POST", "PATCH"]),
)
async def test_any_json_body_is_no_internal_error(trophy, body, path, method):
    response = await trophy(method, path, body, status=None, raw=True)

    assert response.status < 500, await response.text()


@pytest.mark.parametrize("path", [T, M, A, "/admin/v1/metrics/events"])
async def test_deep_and_broken_bodies_are_rejected(client, title, key_of, path):
    headers = {"X-API-KEY": await key_of(title_id=title)}
    for body, status in (
        (b"[" * 100_000, (400, 422)),
        (b"[{", (400,)),
        (b'["\\u0000"]', (400,)),
        (b" " * 1_048_570 + b"[]     ", (413,)),
    ):
        response = await client.post(path, data=io.BytesIO(body), headers=headers)
        assert response.status in status, await response.text()
        assert list(json.loads(await response.read())) == ["error"]
