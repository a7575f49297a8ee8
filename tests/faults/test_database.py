"""PostgreSQL restarts, dies, loses its sessions or its network, or refuses, while players write and read."""

import asyncio
import contextlib
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import pytest

from service.db.limits import MIGRATION_LOCK_SECONDS
from service.db.migrate import LOCK_KEY
from tests.faults.harness.client import MARGIN_SECONDS
from tests.faults.harness.load import Load
from tests.faults.harness.stage import Stage
from tests.faults.harness.table import Row, scaled
from tests.servers import PATIENCE, laurel

SMALL_DISK = "small"


async def restart_fast(scene: Stage, _: Load) -> None:
    await scene.postgres.restart(signal.SIGINT)


async def restart_immediately(scene: Stage, _: Load) -> None:
    await scene.postgres.restart(signal.SIGQUIT)


async def kill(scene: Stage, _: Load) -> None:
    await scene.postgres.restart(signal.SIGKILL)


async def end_sessions(scene: Stage, load: Load) -> None:
    for _ in range(int(scaled(3, 20))):
        await scene.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'laurel%' AND datname = current_database()"
        )
        await load.until(80)


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


async def hold_player(scene: Stage, _: Load) -> None:
    async with scene.database.session() as session, session.transaction():
        await session.execute("SELECT FROM player WHERE player = $1 FOR UPDATE", scene.journal.players[0])
        await asyncio.sleep(scaled(1.5, 10))


async def become_read_only(scene: Stage, _: Load) -> None:
    await scene.database.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    try:
        await asyncio.sleep(scaled(1, 10))
    finally:
        await scene.database.execute("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


async def fill_disk(scene: Stage, load: Load) -> None:
    filler = scene.postgres.folder / SMALL_DISK / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    try:
        await load.until_refused(int(scaled(10, 200)))
    finally:
        filler.unlink()


@contextlib.asynccontextmanager
async def small_disk(scene: Stage) -> AsyncIterator[None]:
    """A file system of 32 MB that holds all tables during the block."""
    folder = scene.postgres.folder / SMALL_DISK
    folder.mkdir(exist_ok=True)
    if await run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)):
        pytest.skip("needs the right to mount a file system of its own, which can be full")
    try:
        tables = folder / "tables"
        tables.mkdir()
        shutil.chown(tables, (scene.postgres.folder / "postgres").owner())
        await scene.database.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
        for kind in ("TABLE", "INDEX"):
            await scene.database.execute(f"ALTER {kind} ALL IN TABLESPACE pg_default SET TABLESPACE small")
        try:
            yield
        finally:
            for kind in ("TABLE", "INDEX"):
                await scene.database.execute(f"ALTER {kind} ALL IN TABLESPACE small SET TABLESPACE pg_default")
            await scene.database.execute("DROP TABLESPACE small")
    finally:
        await run("umount", str(folder))


async def run(*command: str) -> int:
    """The exit status of a command."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


async def alter_tables(scene: Stage, load: Load) -> None:
    for _ in range(int(scaled(2, 20))):
        for table in ("progress", "event", "player"):
            await scene.database.execute(f"ALTER TABLE {table} ADD COLUMN added integer DEFAULT 1")
            await load.until(int(scaled(10, 40)))
            await scene.database.execute(f"ALTER TABLE {table} DROP COLUMN added")
            await load.until(int(scaled(10, 40)))


def others_succeed(scene: Stage, load: Load) -> None:
    held = scene.journal.players[0]
    refused = [answer for answer in load.answers if not answer.is_ok]
    assert {answer.player for answer in refused} <= {held}, refused[:3]
    assert all(answer.is_write for answer in refused), refused[:3]
    worst = max(answer.response.seconds for answer in load.answers if answer.player != held)
    assert worst < 1.5, worst


def writes_are_refused(reason: bytes) -> Callable[[Stage, Load], None]:
    """Only writes may be refused, within a second, and with the true reason; reads go on."""

    def check(_: Stage, load: Load) -> None:
        refused = [answer for answer in load.answers if not answer.is_ok]
        assert refused
        assert all(answer.is_write for answer in refused), [answer for answer in refused if not answer.is_write][:3]
        assert all(reason in answer.response.body for answer in refused), refused[:3]
        assert max(answer.response.seconds for answer in refused) < 1 + MARGIN_SECONDS, refused[:3]

    return check


def nothing_more(_: Stage, __: Load) -> None:
    pass


@contextlib.asynccontextmanager
async def as_it_is(_: Stage) -> AsyncIterator[None]:
    yield


class Scenario(NamedTuple):
    """A fault, how many of the requests of a load it may make fail, what else must hold, and what is set up around it."""

    name: str
    fault: Callable[[Stage, Load], Awaitable[None]]
    unavailable: float = 1.0
    check: Callable[[Stage, Load], None] = nothing_more
    place: Callable[[Stage], AbstractAsyncContextManager[None]] = as_it_is


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
    Scenario("F10 a player is locked", hold_player, check=others_succeed),
    Scenario("F11 the disk is full", fill_disk, check=writes_are_refused(b"full"), place=small_disk),
    Scenario("F21 PostgreSQL is read-only", become_read_only, check=writes_are_refused(b"read-only")),
    Scenario("F22 tables are altered", alter_tables),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_clients_lose_nothing_when(scenario, one_worker, report):
    load = one_worker.load()
    async with scenario.place(one_worker), load.running():
        await load.until(int(scaled(40, 1000)))
        await scenario.fault(one_worker, load)
        load.heal()
        await load.until(int(scaled(80, 2000)))

    row = await one_worker.settle(load, scenario.name)
    report(row)
    assert row.unavailable <= scenario.unavailable * row.sent, row
    scenario.check(one_worker, load)


@pytest.mark.heavy  # it waits for half a minute
async def test_migration_gives_up_waiting_for_another_one(private_postgres, report):
    async with private_postgres.database() as database, database.session() as session:
        await session.execute("SET application_name = 'another release'")
        await session.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        started = time.monotonic()
        ended = await asyncio.to_thread(laurel, "migrate", LAUREL_DATABASE_URL=database.url)
        seconds = time.monotonic() - started

    report(Row(scenario="a migration waits for another one", sent=1, ok=0, worst=seconds))
    assert ended.returncode == 1
    assert "another release" in ended.stderr
    assert seconds < MIGRATION_LOCK_SECONDS + PATIENCE
