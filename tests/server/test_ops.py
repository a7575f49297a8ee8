"""The ops port: liveness, readiness and metrics."""

import io
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families

from service.concurrency.supervisor import JobStatus
from service.core.unlocks.model import Change
from service.db.pool import Pool
from service.http.services import Services
from service.server import ops
from service.server.app import make_services
from service.server.readiness import Readiness
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import PLAYER, SECRET, counted, draft, event, metric, publish_draft

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def services(pool: Pool) -> Services:
    async with pool.transaction() as connection:
        made = draft(1, (counted(1, 10),), metrics=(metric(),))
        await publish_draft(connection, made)
    return await make_services(Settings(jwt_secret=SECRET), pool, Observer(level="error", stream=io.StringIO()))


@pytest.fixture
async def client(services: Services, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    readiness = Readiness()
    readiness.loaded(services)
    readiness.serving()
    ops.register_metrics(services)
    return await aiohttp_client(ops.operations(readiness, services.observer.registry))


async def counters(client: Client) -> dict[str, float]:
    text = await (await client.get("/metrics")).text()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }


async def test_process_with_keys_and_titles_is_alive_and_ready(client: Client):
    alive, ready = await client.get("/livez"), await client.get("/readyz")
    readiness: dict[str, Any] = await ready.json()

    assert (alive.status, ready.status) == (200, 200)
    assert (readiness["status"], readiness["titles"]) == ("ready", 1)
    assert readiness["checks"] == {"catalog": True, "database": True, "keys": True}


async def test_verbose_readiness_shows_how_each_background_job_is_doing(client: Client, services: Services):
    services.jobs.statuses["webhooks"] = JobStatus(last_success=1.5, failures=3)
    services.jobs.statuses["webhooks"].failed(KeyError("secret"))

    brief, verbose = await client.get("/readyz"), await client.get("/readyz?verbose")

    assert "jobs" not in await brief.json()
    assert (await verbose.json())["jobs"] == {
        "webhooks": {"last_success": 1.5, "failures": 4, "consecutive_failures": 1, "error": "KeyError"}
    }


async def test_metrics_count_events_once_although_they_are_sent_twice(client: Client, services: Services):
    before = await counters(client)
    change = Change(player=PLAYER, title_id=1, events=(event(12, key="once", event_id=uuid.uuid4()),))
    await services.writer.write(change)
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(3, key="once"),)))

    after = await counters(client)

    names = ("laurel_events_total", "laurel_unlocks_total")
    assert [after[name] - before[name] for name in names] == [1, 1]


async def test_metrics_name_no_player(client: Client, services: Services):
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(12),)))

    assert PLAYER not in await (await client.get("/metrics")).text()
