"""Releases, imports and notifications go wrong while players write and read."""

import asyncio
import itertools
import time

import pytest

from tests.faults.harness.client import Client, Response
from tests.faults.harness.stage import POLL_SECONDS, Stage
from tests.faults.harness.table import Row, scaled
from tests.servers import PATIENCE

MARGIN_SECONDS = 2.0

LISTENER = "laurel listening"


async def test_publishing_during_writes_fails_none_of_them(one_worker, report):
    """Achievement 3 comes and goes while every event unlocks it."""
    answers: list[Response] = []
    total = int(scaled(200, 6000))

    async def write(first: int) -> None:
        with Client(one_worker.service.url) as client:
            for number in range(first, total, 8):
                body = {"user": {"id": f"unlocker {number}"}, "value": 1}
                key = one_worker.keys[number % len(one_worker.keys)]
                answers.append(
                    await client.post("/metrics/words/event", body, X_API_KEY=key, Idempotency_Key=f"unlock {number}")
                )

    async def publish_again_and_again() -> None:
        for release in itertools.cycle((1, 2)):
            if written.is_set():
                return
            await one_worker.roll_back(release)

    written = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_again_and_again())
        try:
            await asyncio.gather(*(write(first) for first in range(8)))
        finally:
            written.set()

    acknowledged = sum(answer.status == 201 for answer in answers)
    stored = await one_worker.database.value("SELECT count(*) FROM event WHERE player LIKE 'unlocker %'")
    releases = await one_worker.database.value("SELECT count(*) FROM publication")
    row = Row(
        scenario="a title is published during writes",
        sent=len(answers),
        ok=acknowledged,
        unavailable=sum(answer.status == 503 for answer in answers),
        failed=sum(answer.status == 500 for answer in answers),
        lost=max(0, acknowledged - stored),
        worst=max(answer.seconds for answer in answers),
    )
    report(row)
    assert releases > 2
    assert (row.ok, row.lost) == (total, 0), [answer for answer in answers if answer.status != 201][:3]


async def kill_listener(scene: Stage) -> None:
    await scene.database.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = $1 AND datname = current_database()",
        LISTENER,
    )


async def silence_listener(scene: Stage) -> None:
    await scene.network.set("blackhole", only=LISTENER.encode())


@pytest.mark.parametrize(
    ("name", "fault"),
    [("F17 the listener is killed", kill_listener), ("F18 the listener hears nothing", silence_listener)],
)
async def test_release_is_served_within_the_poll_interval_when(name, fault, one_worker, report):
    load = one_worker.load()
    stale = 0.0
    async with load.running():
        await load.until(50)
        for number in range(int(scaled(2, 10))):
            await fault(one_worker)
            release = 1 + number % 2
            await one_worker.roll_back(release)
            started = time.monotonic()
            await until_served(one_worker, achievements=release + 1)
            stale = max(stale, time.monotonic() - started)
        await one_worker.network.set("pass")
        load.heal()
        await load.until(50)

    row = await one_worker.settle(load, name)
    report(row)
    assert row.ok == row.sent, row
    assert stale < POLL_SECONDS + MARGIN_SECONDS, stale


async def until_served(scene: Stage, *, achievements: int) -> None:
    """Wait until the title has so many achievements."""
    async with asyncio.timeout(PATIENCE):
        with Client(scene.service.url) as client:
            while True:
                response = await client.get("/achievements", X_API_KEY=scene.keys[0])
                assert response.status == 200, response
                if len(response.json()) == achievements:
                    return
                await asyncio.sleep(0.02)
