"""The application API, as its clients use it."""

import asyncio
import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.catalog.model import TITLE_NAME, achievement_key
from tests.factories import PLAYER, authorization, counted, metric

SDK = {"X-Fern-Language": "JavaScript"}


def event(value=1, user="u1", **more):
    return {"user": {"id": user}, "value": value} | more


def ids(achievements):
    return [achievement["id"] for achievement in achievements]


async def test_an_event_counts_and_unlocks(trophy):
    first = await trophy("POST", "/metrics/words/event", event(9.5), status=201)
    second = await trophy("POST", "/v1/metrics/words/event", event(0.5), status=201)

    assert (first["total"], first["achievements"]) == (9.5, [])
    assert (second["total"], ids(second["achievements"])) == (10, ["1"])
    assert second["achievements"][0]["achievedAt"].endswith("Z")
    assert (second["points"], second["leaderboards"]) == ({}, {})
    assert (first["currentStreak"]["extended"], second["currentStreak"]["extended"]) == (True, False)
    assert "idempotencyKey" not in first


async def test_a_key_counts_once(trophy):
    headers = {"Idempotency-Key": "one"}
    first = await trophy("POST", "/metrics/words/event", event(10), status=201, headers=headers)
    again = await trophy("POST", "/metrics/words/event", event(10), status=202, headers=headers)

    assert (first["idempotencyKey"], first["idempotentReplayed"]) == ("one", False)
    assert (again["total"], again["achievements"], again["idempotentReplayed"]) == (10, [], True)
    assert again["eventId"] == first["eventId"]


async def test_another_metric_or_user_may_use_the_same_key(trophy):
    headers = {"Idempotency-Key": "one"}
    await trophy("POST", "/metrics/words/event", event(), status=201, headers=headers)
    await trophy("POST", "/metrics/steps/event", event(), status=201, headers=headers)
    await trophy("POST", "/metrics/words/event", event(user="u2"), status=201, headers=headers)


async def test_events_of_one_user_at_once_are_all_counted(trophy):
    await asyncio.gather(*(trophy("POST", "/metrics/words/event", event(), status=201) for _ in range(25)))

    assert (await trophy("GET", "/users/u1/metrics/words"))["current"] == 25


async def test_a_metric_as_its_user_sees_it(trophy):
    await trophy("POST", "/metrics/words/event", event(12), status=201)
    seen = await trophy("GET", "/users/u1/metrics/words")

    assert {name: seen[name] for name in ("id", "key", "name", "status", "current")} == {
        "id": "metric-words",
        "key": "words",
        "name": "Metric words",
        "status": "active",
        "current": 12,
    }
    assert [(a["metricValue"], a["achievedAt"] is not None) for a in seen["achievements"]] == [
        (5, False),
        (10, True),
        (10, False),
        (100, False),
    ]
    assert "completions" not in seen["achievements"][0]
    assert [m["key"] for m in await trophy("GET", "/users/u1/metrics")] == ["words", "steps"]
    assert (await trophy("GET", "/users/u1/metrics/old"))["status"] == "archived"


async def test_filtered_counters_have_their_own_events(trophy):
    await trophy("POST", "/metrics/words/event", event(4, attributes={"source": "app"}), status=201)
    other = await trophy("POST", "/metrics/words/event", event(4, attributes={"source": "web"}), status=201)
    third = await trophy("POST", "/metrics/words/event", event(1, attributes={"source": "app"}), status=201)

    assert other["achievements"] == []
    assert ids(third["achievements"]) == ["3"]
    assert third["achievements"][0]["eventAttribute"] == {"key": "source", "value": "app"}


async def test_an_attribute_opens_what_it_guards(trophy):
    await trophy("POST", "/metrics/words/event", event(10), status=201)
    await trophy("PATCH", "/users/u1", {"attributes": {"plan": "pro"}})

    assert ids(await trophy("GET", "/users/u1/achievements")) == ["1", "7"]


async def test_a_call_completes_once_and_what_waits_for_it(trophy):
    await trophy("POST", "/metrics/words/event", event(10), status=201)
    first = await trophy("POST", "/achievements/onboarded/complete", {"user": {"id": "u1"}}, status=201)
    again = await trophy("POST", "/achievements/onboarded/complete", {"user": {"id": "u1"}}, status=201)

    assert first == again
    assert first["achievement"]["trigger"] == "api"
    assert ids(await trophy("GET", "/users/u1/achievements")) == ["1", "4", "6"]


async def test_completions_and_rarity_are_exact_at_once(trophy):
    for user in ("u1", "u2", "u3"):
        await trophy("POST", "/users", {"id": user}, status=201)
    await trophy("POST", "/metrics/words/event", event(10), status=201)
    listed = {a["id"]: (a["completions"], a["rarity"]) for a in await trophy("GET", "/achievements")}

    assert listed == {"1": (1, 33.33)} | dict.fromkeys("234567", (0, 0))


async def test_attributes_leave_out_what_is_not_accessible(trophy):
    everything = await trophy("GET", "/achievements")
    free = await trophy("GET", "/achievements", userAttributes="plan:free")
    pro = await trophy("GET", "/achievements", userAttributes=" plan : free, plan:pro,other:x")

    assert ids(everything) == ids(pro) == list("1234567")
    assert ids(free) == list("123456")
    refused = await trophy("GET", "/achievements", userAttributes="plan", status=422)
    assert refused["error"].startswith("userAttributes: expected attribute:value")


async def test_plain_callers_get_the_documents_shape_and_libraries_the_superset(trophy):
    plain = await trophy("GET", "/achievements", raw=True)
    sdk = await trophy("GET", "/achievements", headers=SDK)

    shapes = await plain.json()
    assert ["userAttributes" in shape for shape in shapes] == [False] * 6 + [True]
    assert not any("eventAttributes" in shape for shape in shapes)
    assert all("userAttributes" in shape for shape in sdk)
    assert [shape["eventAttributes"] for shape in sdk if shape["trigger"] == "metric"][2] == [
        {"key": "source", "value": "app"}
    ]
    assert "X-Fern-Language" in plain.headers["Vary"]


async def test_every_trigger_is_told_as_it_is(trophy):
    shapes = {shape["id"]: shape for shape in await trophy("GET", "/achievements")}

    assert (shapes["1"]["trigger"], shapes["1"]["metricId"], shapes["1"]["metricName"]) == (
        "metric",
        "metric-words",
        "Metric words",
    )
    assert (shapes["4"]["trigger"], shapes["4"]["key"]) == ("api", "onboarded")
    assert (shapes["5"]["trigger"], shapes["5"]["streakLength"]) == ("streak", 2)
    assert (shapes["6"]["trigger"], shapes["6"]["achievementIds"]) == ("achievement", ["1", "4"])


async def test_texts_are_in_the_callers_language(client, make_title, key_of):
    french = {TITLE_NAME: "Titre", achievement_key(1, "name"): "Nom 1", "metric/words/name": "Mots"}
    await make_title(1, achievements=(counted(1, 10),), metrics=(metric(),), texts={"fr-FR": french})
    headers = {"X-API-KEY": await key_of()}

    async def name(path, **more):
        response = await client.get(path, headers=headers | more)
        return (await response.json())[0]["name"], response.headers["Content-Language"]

    assert await name("/achievements", **{"Accept-Language": "fr-CA"}) == ("Nom 1", "fr-FR, en-US")
    assert await name("/achievements", **{"Accept-Language": "*"}) == ("Name 1", "en-US")
    assert await name("/achievements?language=fr") == ("Nom 1", "fr-FR, en-US")


async def test_a_users_progress_is_shown_where_it_is_asked_for(trophy):
    await trophy("POST", "/metrics/words/event", event(7), status=201)
    listed = await trophy("GET", "/users/u1/achievements", includeIncomplete="true", include="progress")

    progress = {shape["id"]: shape.get("progress") for shape in listed}
    assert progress["1"] == {"current": 7, "target": 10}
    assert progress["5"] == {"current": 1, "target": 2}
    assert "7" not in progress


async def test_a_user_is_made_changed_and_read(trophy):
    made = await trophy(
        "POST",
        "/users",
        {"id": "u1", "email": "a@b.c", "subscribedToEmails": False, "attributes": {"plan": 3}, "deviceTokens": ["t"]},
        status=201,
    )
    changed = await trophy("PUT", "/users/u1", {"tz": "Asia/Tokyo", "email": None})

    assert made["attributes"] == {"plan": "3"}
    assert (made["subscribeToEmails"], made["control"], made["deviceTokens"]) == (False, False, ["t"])
    assert changed == made | {"tz": "Asia/Tokyo", "updated": changed["updated"]}
    assert await trophy("GET", "/users/u1") == changed
    assert (await trophy("POST", "/users", {"id": "u1"}, status=201))["email"] == "a@b.c"


async def test_who_is_not_there_is_a_404_but_made_by_an_event(trophy):
    for path in ("", "/achievements", "/metrics", "/metrics/words", "/streak"):
        assert await trophy("GET", f"/users/nobody{path}", status=404) == {"error": "User not found"}
    await trophy("PATCH", "/users/nobody", {"name": "x"}, status=404)
    await trophy("POST", "/metrics/words/event", event(user="nobody"), status=201)
    assert await trophy("GET", "/users/nobody/achievements") == []


async def test_days_weeks_and_months_add_up(trophy):
    for day, value in (("2026-01-30", 5), ("2026-02-02", 2), ("2026-02-03", -1)):
        await trophy("POST", "/metrics/words/event", event(value, timestamp=f"{day}T12:00:00Z"), status=201)
    dates = {"startDate": "2026-02-01", "endDate": "2026-02-03"}

    path = "/users/u1/metrics/words/event-summary"
    daily = await trophy("GET", path, aggregation="daily", **dates)
    assert [(d["date"], d["total"], d["change"]) for d in daily] == [
        ("2026-02-01", 5, 0),
        ("2026-02-02", 7, 2),
        ("2026-02-03", 6, -1),
    ]
    monthly = await trophy("GET", path, aggregation="monthly", **dates)
    assert monthly == [{"date": "2026-02-01", "total": 6, "change": 1}]
    weekly = await trophy("GET", path, aggregation="weekly", **dates)
    assert [d["date"] for d in weekly] == ["2026-01-26", "2026-02-02"]
    await trophy("GET", path, aggregation="hourly", status=422, **dates)
    await trophy("GET", path, aggregation="daily", startDate="2026-02-01", endDate="2026-02-01", status=422)
    await trophy("GET", path, aggregation="daily", startDate="x", endDate="2026-02-01", status=422)


async def test_a_streak_of_two_days_in_any_order(trophy):
    today = datetime.datetime.now(datetime.UTC)
    yesterday = (today - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = await trophy("POST", "/metrics/words/event", event(), status=201)
    late = await trophy("POST", "/metrics/steps/event", event(timestamp=yesterday), status=201)
    streak = await trophy("GET", "/users/u1/streak", historyPeriods=3)

    assert (first["currentStreak"]["length"], late["currentStreak"]["length"]) == (1, 2)
    assert ids(late["achievements"]) == ["5"]
    assert (streak["length"], streak["frequency"]) == (2, "daily")
    assert [period["length"] for period in streak["streakHistory"]] == [0, 1, 2]
    bulk = await trophy("GET", "/streaks", userIds="u1,nobody")
    assert bulk == [{"userId": "u1", "streakLength": 2, "extended": None}]


async def test_the_same_answer_is_not_sent_again(trophy):
    for path in ("/achievements", "/users/u1/metrics/words"):
        await trophy("POST", "/metrics/words/event", event(), status=201)
        first = await trophy("GET", path, raw=True)
        same = await trophy("GET", path, raw=True, status=304, headers={"If-None-Match": first.headers["ETag"]})
        assert await same.read() == b""
    await trophy("POST", "/metrics/words/event", event(20), status=201)
    for path in ("/achievements", "/users/u1/metrics/words"):
        await trophy("GET", path, headers={"If-None-Match": first.headers["ETag"]})


@pytest.mark.parametrize("user", ["a b", "a+b", "a@b.c", "a:b", "it's", '"q"', "ünï", "a/b", "a%b", "xuid", "100%25"])
async def test_any_id_names_its_user(trophy, client, key_of, user):
    from urllib.parse import quote

    import yarl

    await trophy("POST", "/metrics/words/event", event(3, user=user), status=201)
    headers = {"X-API-KEY": await key_of()}
    url = yarl.URL(str(client.make_url("/")) + f"users/{quote(user, safe='')}/metrics/words", encoded=True)
    async with client.session.get(url, headers=headers) as response:
        assert (response.status, (await response.json())["current"]) == (200, 3)


@pytest.mark.usefixtures("trophy")
async def test_the_path_of_the_xbox_door_is_the_xbox_doors(client, key_of):
    """Routes resolve in the order of the doors: `xuid(…)` is never a user of this one."""
    headers = {"X-API-KEY": await key_of()}
    for path in (f"/users/xuid({PLAYER})/achievements", f"/users/xuid%28{PLAYER}%29/nothing", "/users/xuid(abc)"):
        response = await client.get(path, headers=headers)
        assert "errorMessage" in await response.json()
        assert response.status in (401, 404)
    ours = await client.get("/users/xuid/achievements", headers=headers)
    assert await ours.json() == {"error": "User not found"}


async def test_an_event_here_shows_in_the_xbox_list_of_the_same_player(trophy, client):
    await trophy("POST", "/metrics/words/event", event(12, user=PLAYER), status=201)
    response = await client.get(
        f"/users/xuid({PLAYER})/achievements?titleId=1",
        headers={"Authorization": authorization(), "x-xbl-contract-version": "2"},
    )
    found = {a["id"]: a for a in (await response.json())["achievements"]}

    assert [found[n]["progressState"] for n in ("1", "2", "3")] == ["Achieved", "InProgress", "NotStarted"]
    assert found["2"]["progression"]["requirements"][0]["current"] == "12"


async def test_a_users_key_reaches_that_user_alone(trophy, key_of):
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
async def test_no_good_key_is_a_401_in_this_doors_words(client, key):
    response = await client.get("/achievements", headers={"X-API-KEY": key} if key else {})

    assert response.status == 401
    assert list(await response.json()) == ["error"]
    assert key not in (await response.text()) or not key or key == "x"


async def test_a_revoked_key_is_refused_after_the_next_look(trophy, services, pool, key_of):
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
async def test_a_bad_body_gets_a_clear_refusal(client, key_of, connection, body, status, said):  # noqa: PLR0917  (fixtures, and the parts of a case)
    response = await client.post("/metrics/words/event", data=body, headers={"X-API-KEY": await key_of()})

    assert (response.status, said in (await response.json())["error"]) == (status, True), await response.text()
    assert await connection.fetchval("SELECT count(*) FROM event") == 0


async def test_other_refusals_are_as_clear(trophy, client, key_of):
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
async def test_no_json_is_a_fault(trophy, body, path):
    response = await trophy("POST", path, body, status=None, raw=True)

    assert response.status < 500, await response.text()


@pytest.mark.usefixtures("trophy")
async def test_a_browser_of_a_named_origin_may_ask(client):
    asked = {"Origin": "https://game.example.com", "Access-Control-Request-Method": "POST"}
    assert (await client.options("/metrics/words/event", headers=asked)).status == 405
