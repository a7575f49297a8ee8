"""The embedded PostgreSQL dies, or the process that started it ends, while players write and read."""

import os
import pathlib
import signal
import tempfile

from service.db.embedded import EmbeddedPostgres, running_url
from service.db.migrate import migrate
from tests.faults.harness.journal import Journal
from tests.faults.harness.load import Load
from tests.faults.harness.postgres import Database, PrivatePostgres, publish_titles
from tests.faults.harness.service import serving, until
from tests.faults.harness.table import scaled


def postmaster(folder: pathlib.Path) -> int:
    """The process of the server."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


async def test_embedded_postgres_comes_back(report):
    """First it is killed. Then the service ends that started it, and the other one goes on."""
    with tempfile.TemporaryDirectory(prefix="laurel-faults-") as name:
        folder = pathlib.Path(name)
        with EmbeddedPostgres(folder, durable=False) as url:
            await migrate(url)
            await publish_titles(url)
        async with serving(None, LAUREL_DATA=name) as first, serving(None, LAUREL_DATA=name) as second:
            server = PrivatePostgres(folder)
            server.url = running_url(folder) or ""
            database, journal = Database(server, "postgres"), Journal()
            keys = await database.make_keys(8)
            killed = Load(journal, keys, lambda _: first.url)
            await killed.first_events()
            async with killed.running():
                for _ in range(int(scaled(1, 5))):
                    await killed.until(40)
                    victim = postmaster(folder)
                    os.kill(victim, signal.SIGKILL)

                    async def is_back(victim: int = victim) -> bool:
                        return running_url(folder) is not None and postmaster(folder) != victim

                    await until(is_back, "the server is started again")
                killed.heal()
                await killed.until(80)
            rows = [killed.row("the embedded PostgreSQL is killed", lost=await journal.lost(database))]

            left = Load(journal, keys, lambda _: second.url)
            async with left.running():
                await left.until(40)
                assert await first.end() == 0
                left.heal()
                await left.until(int(scaled(80, 2000)))
            rows.append(left.row("the starter of the embedded PostgreSQL ends", lost=await journal.lost(database)))

    for row in rows:
        report(row)
        assert row.ok + row.unavailable == row.sent, row
        assert row.lost == 0
    assert not journal.wrong
