"""The samples of Trophy's documents, built from real events and compared field by field."""

import asyncio

import pytest

from service.core.auth import api_keys
from service.core.catalog.model import Attribute, MediaAsset, Metric, achievement_key, metric_key
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import SECRET, achievement, counted, draft, publish_draft
from tests.lent_pool import LentPool

BADGE = "https://example.com/badge.png"
ACHIEVEMENTS = [
    {
        "id": "5100fe51-6bce-6j44-b0hs-bddc4e123682",
        "trigger": "api",
        "name": "Finish onboarding",
        "description": "Complete the onboarding process.",
        "badgeUrl": BADGE,
        "key": "finish-onboarding",
        "completions": 8,
        "rarity": 80,
    },
    {
        "id": "5100fe51-6bce-6j44-b0hs-bddc4e123683",
        "trigger": "metric",
        "name": "500 words written",
        "description": "Write 500 words in the app.",
        "badgeUrl": BADGE,
        "metricId": "5100fe51-6bce-6j44-b0hs-bddc4e123683",
        "metricName": "words written",
        "metricValue": 500,
        "completions": 6,
        "rarity": 60,
        "userAttributes": [{"key": "plan-type", "value": "premium"}, {"key": "region", "value": "us-east"}],
        "eventAttribute": {"key": "source", "value": "mobile-app"},
    },
    {
        "id": "5100fe51-6bce-6j44-b0hs-bddc4e123684",
        "trigger": "streak",
        "name": "10 days of exercise",
        "description": "Exercise at least once a day for 10 days in a row.",
        "badgeUrl": BADGE,
        "streakLength": 10,
        "completions": 2,
        "rarity": 20,
        "userAttributes": [{"key": "plan-type", "value": "premium"}],
    },
]
METRIC = {
    "id": "d01dcbcb-d51e-4c12-b054-dc811dcdc623",
    "key": "words-written",
    "name": "Words written",
    "status": "active",
    "current": 1500,
    "achievements": [
        {
            "id": "abe3120f-5ca9-4344-92c8-5b891643a04b",
            "trigger": "metric",
            "name": "Novice Writer",
            "metricId": "d01dcbcb-d51e-4c12-b054-dc811dcdc623",
            "metricValue": 500,
            "achievedAt": "2021-01-01T00:00:00Z",
        },
        {
            "id": "8a07f2d0-9c72-4de1-bf92-9530ae82b4b6",
            "trigger": "metric",
            "name": "Intermediate Writer",
            "metricId": "d01dcbcb-d51e-4c12-b054-dc811dcdc623",
            "metricValue": 1000,
            "achievedAt": "2021-01-02T00:00:00Z",
        },
        {
            "id": "2090d038-aa04-4048-ab2e-e2b7bf2d3b9f",
            "trigger": "metric",
            "name": "Expert Writer",
            "metricId": "d01dcbcb-d51e-4c12-b054-dc811dcdc623",
            "metricValue": 2000,
            "achievedAt": None,
            "badgeUrl": BADGE,
        },
    ],
}


@pytest.fixture
def serve(connection, aiohttp_client):
    """Publishes a title with these achievements and texts; returns functions that write and read through the API."""

    async def served(achievements, texts, **title):
        pool = LentPool(connection)
        new = draft(1, achievements, **title)
        whole = {"en-US": {**new.texts["en-US"], **texts}}
        async with pool.transaction() as held:
            new = type(new)(title=new.title, achievements=new.achievements, texts=whole)
            await publish_draft(held, new)
            key = (await api_keys.create_key(held, title_id=1)).key
        services = await make_services(Settings(jwt_secret=SECRET, open_badges="on"), pool, Observer(level="error"))
        client = await aiohttp_client(make_application(services))

        async def ask(method, path, body=None, **headers):
            response = await client.request(method, path, json=body, headers={"X-API-KEY": key} | headers)
            assert response.status < 300, await response.text()
            return await response.json()

        return ask

    return served


async def test_achievements_of_the_document_are_served_field_by_field(serve):
    icon = (MediaAsset(name="badge", kind="Icon", url=BADGE),)
    words = Metric(key="words", public_id=ACHIEVEMENTS[1]["metricId"])
    api, by_words, by_days = ACHIEVEMENTS
    made = (
        achievement(1, public_id=api["id"], key=api["key"], requirements=(), media=icon),
        counted(
            2,
            500,
            public_id=by_words["id"],
            where=(("source", "mobile-app"),),
            user_filter=(("plan-type", "premium"), ("region", "us-east")),
            media=icon,
        ),
        counted(
            3, 10, public_id=by_days["id"], aggregate="streak", metric=None, user_filter=(("plan-type", "premium"),),
            media=icon,
        ),
    )  # fmt: skip
    texts = {metric_key("words"): "words written"}
    for number, one in enumerate(ACHIEVEMENTS, 1):
        texts |= {
            achievement_key(number, "name"): one["name"],
            achievement_key(number, "description"): one["description"],
        }
    kinds = (("plan-type", "user"), ("region", "user"), ("source", "event"))
    attributes = tuple(Attribute(key=key, public_id=key, kind=kind, name=key) for key, kind in kinds)
    ask = await serve(made, texts, metrics=(words,), attributes=attributes)

    premium = {"attributes": {"plan-type": "premium", "region": "us-east"}}
    users = [{"id": f"user {number}"} | premium for number in range(10)]
    await asyncio.gather(*(ask("POST", "/users", user) for user in users))
    for user in users[:8]:
        await ask("POST", "/achievements/finish-onboarding/complete", {"user": user})
    for user in users[:6]:
        sent = {"user": user, "value": 500, "attributes": {"source": "mobile-app"}}
        await ask("POST", "/metrics/words/event", sent)
    for user in users[:2]:
        for day in range(1, 11):
            at = f"2026-03-{day:02}T10:00:00Z"
            await ask("POST", "/metrics/words/event", {"user": user, "value": 1, "timestamp": at})

    assert await ask("GET", "/achievements") == ACHIEVEMENTS
    assert await ask("GET", "/v1/achievements") == ACHIEVEMENTS


async def test_metric_of_the_document_is_served_field_by_field(serve):
    words = Metric(key="words-written", public_id=METRIC["id"])
    named = (MediaAsset(name="badge", kind="Icon", url=BADGE),)
    made = tuple(
        counted(number, one["metricValue"], metric="words-written", public_id=one["id"], media=named)
        for number, one in enumerate(METRIC["achievements"], 1)
    )
    texts = {metric_key("words-written"): "Words written"}
    texts |= {achievement_key(n, "name"): one["name"] for n, one in enumerate(METRIC["achievements"], 1)}
    ask = await serve(made, texts, metrics=(words,))
    for day in (1, 2, 3):
        sent = {"user": {"id": "user-id"}, "value": 500, "timestamp": f"2021-01-0{day}T00:00:00Z"}
        await ask("POST", "/metrics/words-written/event", sent)

    answered = await ask("GET", "/users/user-id/metrics/words-written")
    assert {name: answered[name] for name in METRIC if name != "achievements"} == {
        name: value for name, value in METRIC.items() if name != "achievements"
    }
    for printed, one in zip(METRIC["achievements"], answered["achievements"], strict=True):
        assert {name: one[name] for name in printed} == printed
        assert one.keys() - printed.keys() <= {"description", "badgeUrl", "metricName"}
