"""The embedded PostgreSQL dies, or the process that started it ends, while players write and read."""

import contextlib
import os
import pathlib
import signal
import tempfile

import pytest

from service.db.embedded import EmbeddedPostgres, running_url
from service.db.migrate import migrate
from tests.faults.harness.journal import Journal
from tests.faults.harness.load import Load
from tests.faults.harness.postgres import Database, PrivatePostgres, publish_titles
from tests.faults.harness.service import serving, until
from tests.faults.harness.table import scaled


@pytest.fixture
async def folder():
    """A folder of an embedded PostgreSQL, with the titles of the scenarios."""
    with tempfile.TemporaryDirectory(prefix="laurel-faults-") as name:
        with EmbeddedPostgres(pathlib.Path(name), durable=False) as url:
            await migrate(url)
            await publish_titles(url)
        yield pathlib.Path(name)


def postmaster(folder: pathlib.Path) -> int:
    """The process of the server."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


@contextlib.asynccontextmanager
async def database_of(folder: pathlib.Path):
    """The database of a service that runs on a folder, and keys of its title 1."""
    server = PrivatePostgres(folder)
    server.url = running_url(folder) or ""
    database = Database(server, "postgres")
    yield database, await database.make_keys(8)


async def test_embedded_postgres_that_is_killed_is_started_again(folder, report):
    async with serving(None, LAUREL_DATA=str(folder)) as service, database_of(folder) as (database, keys):
        journal = Journal()
        load = Load(journal, keys, lambda _: service.url)
        await load.first_events()
        async with load.running():
            for _ in range(int(scaled(1, 5))):
                await load.until(100)
                killed = postmaster(folder)
                os.kill(killed, signal.SIGKILL)

                async def is_back(killed: int = killed) -> bool:
                    return running_url(folder) is not None and postmaster(folder) != killed

                await until(is_back, "the server is started again")
            load.heal()
            await load.until(200)
        row = load.row("the embedded PostgreSQL is killed", lost=await journal.lost(database))

    report(row)
    assert row.lost == 0
    assert not journal.wrong
    assert row.ok + row.unavailable == row.sent


async def test_service_goes_on_when_the_one_that_started_postgres_ends(folder, report):
    async with (
        serving(None, LAUREL_DATA=str(folder)) as first,
        serving(None, LAUREL_DATA=str(folder)) as second,
        database_of(folder) as (database, keys),
    ):
        journal = Journal()
        load = Load(journal, keys, lambda _: second.url)
        await load.first_events()
        async with load.running():
            await load.until(100)
            assert await first.end() == 0
            load.heal()
            await load.until(int(scaled(200, 2000)))
        row = load.row("the starter of the embedded PostgreSQL ends", lost=await journal.lost(database))

    report(row)
    assert row.lost == 0
    assert not journal.wrong
    assert row.ok + row.unavailable == row.sent
