"""PostgreSQL restarts, dies, loses its sessions or its network, or refuses, while players write and read."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from tests.faults.load import Load
from tests.faults.stage import Stage, stage
from tests.faults.table import scaled


@pytest.fixture(scope="module")
async def on_stage(private_postgres):
    """The service that all scenarios of this file share."""
    async with stage(private_postgres) as made:
        yield made


async def restart_fast(scene: Stage, _: Load) -> None:
    await scene.postgres.restart(signal.SIGINT)


async def restart_immediately(scene: Stage, _: Load) -> None:
    await scene.postgres.restart(signal.SIGQUIT)


async def kill(scene: Stage, _: Load) -> None:
    await scene.postgres.restart(signal.SIGKILL)


async def end_sessions(scene: Stage, load: Load) -> None:
    for _ in range(int(scaled(3, 20))):
        await scene.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'laurel%'"
        )
        await load.until(200)


async def blackhole(scene: Stage, _: Load) -> None:
    await scene.network.set("blackhole")
    await asyncio.sleep(scaled(1.5, 8))  # the length of the fault
    await scene.network.set("pass")


async def slow(scene: Stage, _: Load) -> None:
    await scene.network.set("latency")
    await asyncio.sleep(scaled(1, 10))
    await scene.network.set("pass")


async def resets(scene: Stage, _: Load) -> None:
    await scene.network.set("reset")
    await asyncio.sleep(scaled(0.5, 5))
    await scene.network.set("pass")
    for _ in range(int(scaled(5, 50))):
        await scene.network.reset()
        await asyncio.sleep(0.1)


async def refuse(scene: Stage, _: Load) -> None:
    await scene.network.set("refuse")
    await asyncio.sleep(scaled(0.5, 10))
    await scene.network.set("pass")


async def hold_table(scene: Stage, _: Load) -> None:
    async with scene.database.session() as session, session.transaction():
        await session.execute("LOCK TABLE progress IN ACCESS EXCLUSIVE MODE")
        until = asyncio.get_running_loop().time() + scaled(1.5, 10)
        while asyncio.get_running_loop().time() < until:
            alive = await scene.service.ops("/livez")
            assert alive.status == 200
            assert alive.seconds < 1, alive
            await asyncio.sleep(0.1)  # between probes


async def alter_tables(scene: Stage, load: Load) -> None:
    for _ in range(int(scaled(3, 20))):
        for table in ("progress", "event", "player"):
            await scene.database.execute(f"ALTER TABLE {table} ADD COLUMN added integer DEFAULT 1")
            await load.until(20)
            await scene.database.execute(f"ALTER TABLE {table} DROP COLUMN added")
            await load.until(20)


class Scenario(NamedTuple):
    """A fault, and how many of the requests of a load it may make fail."""

    name: str
    fault: Callable[[Stage, Load], Awaitable[None]]
    unavailable: float = 1.0


SCENARIOS = (
    Scenario("F1 PostgreSQL restarts", restart_fast),
    Scenario("F2 PostgreSQL stops without a checkpoint", restart_immediately),
    Scenario("F3 PostgreSQL is killed", kill),
    Scenario("F4 all sessions are terminated, again and again", end_sessions, unavailable=0.01),
    Scenario("F5 the network to PostgreSQL is silent", blackhole),
    Scenario("F6 the network to PostgreSQL is slow", slow, unavailable=0.05),
    Scenario("F7 connections to PostgreSQL are reset", resets),
    Scenario("F7 connections to PostgreSQL are refused", refuse),
    Scenario("F8 a table is locked", hold_table),
    Scenario("F22 tables are altered", alter_tables),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_clients_lose_nothing_when(scenario, on_stage, report):
    load = on_stage.load()
    async with load.running():
        await load.until(int(scaled(100, 1000)))
        await scenario.fault(on_stage, load)
        load.heal()
        await load.until(int(scaled(200, 2000)))

    row = await on_stage.settle(load, scenario.name)
    report(row)
    assert row.unavailable <= scenario.unavailable * row.sent, row
