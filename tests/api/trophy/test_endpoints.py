"""The Trophy API as its clients use it: events, achievements, metrics, users and streaks."""

import asyncio
import datetime

import pytest

from service.core.catalog.model import TITLE_NAME, achievement_key
from tests.factories import PLAYER, authorization, counted, metric

SDK = {"X-Fern-Language": "JavaScript"}


def event(value=1, user="u1", **more):
    return {"user": {"id": user}, "value": value} | more


def ids(achievements):
    return [achievement["id"] for achievement in achievements]


async def test_event_counts_and_unlocks(trophy):
    first = await trophy("POST", "/metrics/words/event", event(9.5), status=201)
    second = await trophy("POST", "/v1/metrics/words/event", event(0.5), status=201)

    assert (first["total"], first["achievements"]) == (9.5, [])
    assert (second["total"], ids(second["achievements"])) == (10, ["1"])
    assert second["achievements"][0]["achievedAt"].endswith("Z")
    assert (second["points"], second["leaderboards"]) == ({}, {})
    assert (first["currentStreak"]["extended"], second["currentStreak"]["extended"]) == (True, False)
    assert "idempotencyKey" not in first


async def test_event_with_a_repeated_key_counts_once(trophy):
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


async def test_concurrent_events_of_one_user_all_count(trophy):
    await asyncio.gather(*(trophy("POST", "/metrics/words/event", event(), status=201) for _ in range(25)))

    assert (await trophy("GET", "/users/u1/metrics/words"))["current"] == 25


async def test_metric_shows_the_users_total_and_achievements(trophy):
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


async def test_filtered_achievement_counts_only_matching_events(trophy):
    await trophy("POST", "/metrics/words/event", event(4, attributes={"source": "app"}), status=201)
    other = await trophy("POST", "/metrics/words/event", event(4, attributes={"source": "web"}), status=201)
    third = await trophy("POST", "/metrics/words/event", event(1, attributes={"source": "app"}), status=201)

    assert other["achievements"] == []
    assert ids(third["achievements"]) == ["3"]
    assert third["achievements"][0]["eventAttribute"] == {"key": "source", "value": "app"}


async def test_user_attribute_opens_a_filtered_achievement(trophy):
    await trophy("POST", "/metrics/words/event", event(10), status=201)
    await trophy("PATCH", "/users/u1", {"attributes": {"plan": "pro"}})

    assert ids(await trophy("GET", "/users/u1/achievements")) == ["1", "7"]


async def test_completing_unlocks_once_and_completes_dependents(trophy):
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


async def test_user_attributes_leave_out_inaccessible_achievements(trophy):
    everything = await trophy("GET", "/achievements")
    free = await trophy("GET", "/achievements", userAttributes="plan:free")
    pro = await trophy("GET", "/achievements", userAttributes=" plan : free, plan:pro,other:x")

    assert ids(everything) == ids(pro) == list("1234567")
    assert ids(free) == list("123456")
    refused = await trophy("GET", "/achievements", userAttributes="plan", status=422)
    assert refused["error"].startswith("userAttributes: expected attribute:value")


async def test_plain_clients_get_the_documented_shape_and_sdks_the_superset(trophy):
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


async def test_every_trigger_is_shown(trophy):
    shapes = {shape["id"]: shape for shape in await trophy("GET", "/achievements")}

    assert (shapes["1"]["trigger"], shapes["1"]["metricId"], shapes["1"]["metricName"]) == (
        "metric",
        "metric-words",
        "Metric words",
    )
    assert (shapes["4"]["trigger"], shapes["4"]["key"]) == ("api", "onboarded")
    assert (shapes["5"]["trigger"], shapes["5"]["streakLength"]) == ("streak", 2)
    assert (shapes["6"]["trigger"], shapes["6"]["achievementIds"]) == ("achievement", ["1", "4"])


async def test_texts_are_in_the_requested_language(client, make_title, key_of):
    french = {TITLE_NAME: "Titre", achievement_key(1, "name"): "Nom 1", "metric/words/name": "Mots"}
    await make_title(1, achievements=(counted(1, 10),), metrics=(metric(),), texts={"fr-FR": french})
    headers = {"X-API-KEY": await key_of()}

    async def name(path, **more):
        response = await client.get(path, headers=headers | more)
        return (await response.json())[0]["name"], response.headers["Content-Language"]

    assert await name("/achievements", **{"Accept-Language": "fr-CA"}) == ("Nom 1", "fr-FR, en-US")
    assert await name("/achievements", **{"Accept-Language": "*"}) == ("Name 1", "en-US")
    assert await name("/achievements?language=fr") == ("Nom 1", "fr-FR, en-US")


async def test_progress_is_included_on_request(trophy):
    await trophy("POST", "/metrics/words/event", event(7), status=201)
    listed = await trophy("GET", "/users/u1/achievements", includeIncomplete="true", include="progress")

    progress = {shape["id"]: shape.get("progress") for shape in listed}
    assert progress["1"] == {"current": 7, "target": 10}
    assert progress["5"] == {"current": 1, "target": 2}
    assert "7" not in progress


async def test_user_is_created_changed_and_read(trophy):
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


async def test_unknown_user_is_404_until_an_event_creates_it(trophy):
    for path in ("", "/achievements", "/metrics", "/metrics/words", "/streak"):
        assert await trophy("GET", f"/users/nobody{path}", status=404) == {"error": "User not found"}
    await trophy("PATCH", "/users/nobody", {"name": "x"}, status=404)
    await trophy("POST", "/metrics/words/event", event(user="nobody"), status=201)
    assert await trophy("GET", "/users/nobody/achievements") == []


async def test_event_summary_adds_up_days_weeks_and_months(trophy):
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


async def test_two_active_days_in_any_order_are_a_streak_of_two(trophy):
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


async def test_conditional_request_returns_304_when_nothing_changed(trophy):
    for path in ("/achievements", "/users/u1/metrics/words"):
        await trophy("POST", "/metrics/words/event", event(), status=201)
        first = await trophy("GET", path, raw=True)
        same = await trophy("GET", path, raw=True, status=304, headers={"If-None-Match": first.headers["ETag"]})
        assert await same.read() == b""
    await trophy("POST", "/metrics/words/event", event(20), status=201)
    for path in ("/achievements", "/users/u1/metrics/words"):
        await trophy("GET", path, headers={"If-None-Match": first.headers["ETag"]})


@pytest.mark.parametrize("user", ["a b", "a+b", "a@b.c", "a:b", "it's", '"q"', "ünï", "a/b", "a%b", "xuid", "100%25"])
async def test_any_valid_id_names_its_user(trophy, client, key_of, user):
    from urllib.parse import quote

    import yarl

    await trophy("POST", "/metrics/words/event", event(3, user=user), status=201)
    headers = {"X-API-KEY": await key_of()}
    url = yarl.URL(str(client.make_url("/")) + f"users/{quote(user, safe='')}/metrics/words", encoded=True)
    async with client.session.get(url, headers=headers) as response:
        assert (response.status, (await response.json())["current"]) == (200, 3)


@pytest.mark.usefixtures("trophy")
async def test_xuid_path_belongs_to_the_xbox_api(client, key_of):
    """Routes resolve in the order of the APIs: `xuid(…)` is never a user of Trophy's API."""
    headers = {"X-API-KEY": await key_of()}
    for path in (f"/users/xuid({PLAYER})/achievements", f"/users/xuid%28{PLAYER}%29/nothing", "/users/xuid(abc)"):
        response = await client.get(path, headers=headers)
        assert "errorMessage" in await response.json()
        assert response.status in (401, 404)
    ours = await client.get("/users/xuid/achievements", headers=headers)
    assert await ours.json() == {"error": "User not found"}


async def test_event_shows_in_the_xbox_list_of_the_same_player(trophy, client):
    await trophy("POST", "/metrics/words/event", event(12, user=PLAYER), status=201)
    response = await client.get(
        f"/users/xuid({PLAYER})/achievements?titleId=1",
        headers={"Authorization": authorization(), "x-xbl-contract-version": "2"},
    )
    found = {a["id"]: a for a in (await response.json())["achievements"]}

    assert [found[n]["progressState"] for n in ("1", "2", "3")] == ["Achieved", "InProgress", "NotStarted"]
    assert found["2"]["progression"]["requirements"][0]["current"] == "12"


async def test_streaks_of_many_users_are_read_together(trophy, connection):
    users = [f"u{number}" for number in range(50)]
    for user in users:
        await trophy("POST", "/users", {"id": user}, status=201)

    queries = []
    with connection.query_logger(lambda query: queries.append(query.query)):
        streaks = await trophy("GET", "/streaks", userIds=",".join(users))

    assert [streak["userId"] for streak in streaks] == users
    assert len(queries) <= 10
