"""Trophy's own client libraries from PyPI and npm against a real server, with only the base URL changed."""

import json
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx
import pytest
import trophy
from trophy import TrophyApi
from trophy.core.api_error import ApiError
from trophy.environment import TrophyApiEnvironment
from trophy.errors import NotFoundError, UnauthorizedError, UnprocessableEntityError
from trophy.types import (
    BatchMetricEvent,
    BatchMetricEventUser,
    CreateApplicationKeyRequestItem,
    CreateAttributeRequestItem,
    CreateMetricRequestItem,
    UpdateMetricRequestItem,
    UpsertedUser,
)

from service.core.auth import api_keys
from service.db.limits import UNLIMITED
from service.db.pool import open_pool
from tests.factories import SECRET, draft, publish_draft
from tests.servers import running

NODE = pathlib.Path(__file__).parents[1] / "node"


class Started(NamedTuple):
    """A server with an empty title, an API key of it, and the HTTP client of the library."""

    url: str
    key: str
    http: httpx.Client


@pytest.fixture(scope="module")
async def started(new_database, template) -> AsyncIterator[Started]:
    """A server with an empty title."""
    async with new_database(template) as database_url:
        async with (
            await open_pool(database_url, size=1, limits=UNLIMITED) as pool,
            pool.transaction() as connection,
        ):
            await publish_draft(connection, draft(1, ()))
            key = (await api_keys.create_key(connection, title_id=1)).key
        settings = {"LAUREL_DATABASE_URL": database_url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "warning"}
        with running("serve", "--port", 0, "--ops-port", 0, **settings) as server, httpx.Client() as http:
            yield Started(server.url, key, http)


def client(started: Started, key: str | None = None) -> TrophyApi:
    """The library with the base URL of the server."""
    environment = TrophyApiEnvironment(api=f"{started.url}/v1", admin=f"{started.url}/admin/v1")
    return TrophyApi(api_key=key or started.key, environment=environment, httpx_client=started.http)


@pytest.fixture(scope="module")
def authored(started):
    """A catalog made through the admin API: an attribute of each kind, a metric, an achievement of every trigger."""
    admin = client(started).admin
    attributes = admin.attributes.create(
        request=[
            CreateAttributeRequestItem(name="Plan", key="plan", type="user"),
            CreateAttributeRequestItem(name="Source", key="source", type="event"),
        ]
    )
    plan, source = (attribute.id for attribute in attributes.created)
    metric = admin.metrics.create(
        request=[CreateMetricRequestItem(name="Words written", key="words", unit_type="number", units="words")]
    ).created[0]
    items = [
        {"name": "Ten words", "trigger": "metric", "metric_id": metric.id, "metric_value": 10, "status": "active"},
        {
            "name": "From the app",
            "trigger": "metric",
            "metric_id": metric.id,
            "metric_value": 5,
            "status": "active",
            "description": "Five from the app.",
            "badge": {"url": "https://example.com/app.png"},
            "event_attributes": [{"attribute_id": source, "attribute_value": "app"}],
            "user_attributes": [{"attribute_id": plan, "attribute_value": "pro"}],
        },
        {"name": "Two days", "trigger": "streak", "streak_length": 2, "status": "active"},
        {"name": "On board", "trigger": "api", "key": "onboarded", "status": "active"},
        {"name": "Later", "trigger": "api", "key": "later"},
        {"name": "A year", "trigger": "anniversary", "anniversary_years": 1, "status": "active"},
    ]
    request = [trophy.types.CreateAchievementRequestItem(**item) for item in items]
    made = admin.achievements.create(request=request)
    assert made.issues == []
    both = admin.achievements.create(
        request=[
            trophy.types.CreateAchievementRequestItem(
                name="Both",
                trigger="achievement",
                status="active",
                achievement_ids=[made.created[0].id, made.created[3].id],
            )
        ]
    )
    return {one.name: one for one in (*made.created, *both.created)} | {"metric": metric, "plan": plan}


def test_catalog_is_created_listed_and_changed(started, authored):
    admin = client(started).admin
    listed = admin.achievements.list(limit=3, skip=1)

    assert [one.name for one in listed] == ["From the app", "Two days", "On board"]
    assert admin.achievements.get(authored["Both"].id) == authored["Both"]
    assert [attribute.key for attribute in admin.attributes.list()] == ["plan", "source"]
    assert authored["From the app"].badge.url == "https://example.com/app.png"
    assert authored["Later"].status == "inactive"
    changed = admin.metrics.update(request=[UpdateMetricRequestItem(id=authored["metric"].id, name="Words")])
    assert (changed.updated[0].name, changed.updated[0].units, changed.issues) == ("Words", "words", [])


@pytest.mark.usefixtures("authored")
def test_invalid_items_are_reported_as_issues(started):
    admin = client(started).admin
    made = admin.metrics.create(
        request=[
            CreateMetricRequestItem(name="Twice", key="words"),
            CreateMetricRequestItem(name="Bad", key="a b"),
            CreateMetricRequestItem(name="Steps", key=f"steps-{uuid.uuid4().hex[:6]}"),
        ]
    )
    assert [one.name for one in made.created] == ["Steps"]
    assert [(issue.index, issue.severity) for issue in made.issues] == [(0, "error"), (1, "error")]
    assert made.issues[0].message == "Key already in use by another metric"
    gone = admin.metrics.delete(ids=[made.created[0].id, "nothing"])
    assert ([one.id for one in gone.deleted], gone.issues[0].message) == (
        [made.created[0].id],
        "Metric not found by ID",
    )


@pytest.mark.usefixtures("authored")
def test_events_unlock_and_are_read(started):
    api = client(started)
    user = UpsertedUser(id="python user", email="p@example.com", tz="Asia/Tokyo", attributes={"plan": "pro"})

    first = api.metrics.event("words", user=user, value=12.5, attributes={"source": "app"}, idempotency_key="one")
    again = api.metrics.event("words", user=user, value=12.5, attributes={"source": "app"}, idempotency_key="one")
    done = api.achievements.complete("onboarded", user=user)

    assert {one.name for one in first.achievements} == {"Ten words", "From the app"}
    assert (first.total, again.total, again.idempotent_replayed) == (12.5, 12.5, True)
    assert (first.current_streak.length, first.current_streak.extended) == (1, True)
    assert done.achievement.trigger == "api"
    held = api.users.achievements("python user")
    assert {one.name for one in held} == {"Ten words", "From the app", "On board", "Both"}
    metric = api.users.single_metric("python user", "words")
    assert (metric.current, [one.name for one in metric.achievements]) == (12.5, ["From the app", "Ten words"])
    assert api.users.all_metrics("python user")[0].key == "words"
    assert {one.name: one.completions for one in api.achievements.all_()}["On board"] >= 1
    assert api.users.get("python user").tz == "Asia/Tokyo"
    assert api.users.update("python user", name="Py").name == "Py"
    assert api.users.streak("python user", history_periods=3).streak_history[-1].length == 1


@pytest.mark.usefixtures("authored")
def test_events_in_bulk(started):
    api = client(started)
    events = [
        BatchMetricEvent(key="words", user=BatchMetricEventUser(id=f"bulk {i % 7}"), value=1, idempotency_key=f"k{i}")
        for i in range(1000)
    ]

    assert api.admin.metrics.batch_events(request=events).accepted == 1000
    assert api.admin.metrics.batch_events(request=events).accepted == 1000
    totals = [api.users.single_metric(f"bulk {i}", "words").current for i in range(7)]
    assert sum(totals) == 1000


@pytest.mark.usefixtures("authored")
def test_user_key_is_created_used_and_revoked(started):
    api = client(started)
    api.users.create(id="key user", subscribe_to_emails=False)
    made = api.admin.application_api_keys.create(
        request=[CreateApplicationKeyRequestItem(user_id="key user"), CreateApplicationKeyRequestItem(user_id="ghost")]
    )

    assert made.issues[0].message == "User does not exist"
    own = client(started, made.created[0].key)
    assert own.users.get("key user").subscribe_to_emails is False
    own.metrics.event("words", user=UpsertedUser(id="key user"), value=1)
    for rejected in (
        lambda: own.users.get("python user"),
        own.admin.metrics.list,
    ):
        with pytest.raises(ApiError) as error:
            rejected()
        assert error.value.status_code in (401, 403)
    assert api.admin.application_api_keys.delete(ids=made.created[0].id).deleted[0].id == made.created[0].id


@pytest.mark.usefixtures("authored")
def test_error_responses_raise_the_errors_of_the_library(started):
    api = client(started)

    with pytest.raises(NotFoundError):
        api.users.achievements("nobody")
    with pytest.raises(UnprocessableEntityError) as error:
        api.metrics.event("nothing", user=UpsertedUser(id="u"), value=1)
    assert error.value.body["error"] == "Metric not found"
    with pytest.raises(UnauthorizedError):
        client(started, "no key").achievements.all_()


@pytest.mark.usefixtures("authored")
def test_node_library_writes_and_reads(started):
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules").is_dir():
        pytest.skip("needs Node.js 18 or newer with npm: install them and run `make setup` again")
    ran = subprocess.run(  # noqa: S603  (our own script)
        [node, NODE / "sdk.mjs", started.url, started.key], capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode == 0, ran.stderr
    output = json.loads(ran.stdout)
    assert output["identified"]["tz"] == "Europe/Lisbon"
    assert (output["event"]["total"], output["again"]["total"]) == (12.5, 12.5)
    assert [achievement["name"] for achievement in output["event"]["achievements"]] == ["Ten words"]
    assert output["completed"]["achievement"]["name"] == "On board"
    assert {achievement["name"] for achievement in output["all"]} >= {"Ten words", "On board", "Both"}
    assert len(output["pro"]) == len(output["all"])
    achieved = {achievement["name"]: achievement.get("achievedAt") for achievement in output["achievements"]}
    assert all(achieved[name] for name in ("Ten words", "On board", "Both"))
    assert achieved["Two days"] is None
    assert (output["metric"]["current"], output["metrics"][0]["key"]) == (12.5, "words")
    assert output["summary"][0]["change"] == 12.5
    assert (output["streak"]["length"], output["updated"]["name"]) == (1, "Node")
    assert output["unknown"] == {"isApiError": True, "status": 404, "body": {"error": "User not found"}}
    assert output["unknownMetric"]["status"] == 422
    assert output["badKey"]["status"] == 401
