"""Requests go through PgBouncer in transaction mode, while sessions end and PostgreSQL restarts behind it."""

import signal

import pytest

from tests.db.test_pgbouncer import PGBOUNCER, pgbouncer, until_it_accepts
from tests.faults.harness.journal import Journal
from tests.faults.harness.load import Load
from tests.faults.harness.service import serving
from tests.faults.harness.stage import SETTINGS
from tests.faults.harness.table import scaled

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed: apt-get install pgbouncer")


async def test_players_lose_nothing_behind_a_pooler(private_postgres, report):
    async with private_postgres.database() as database:
        keys = await database.make_keys(8)
        with pgbouncer(database.url) as pooled:
            await until_it_accepts(pooled)
            async with serving(database.url, LAUREL_POOLER_URL=pooled, **SETTINGS) as service:
                journal = Journal()
                load = Load(journal, keys, lambda _: service.url)
                await load.first_events()
                async with load.running():
                    await load.until(int(scaled(40, 2000)))
                    for _ in range(int(scaled(1, 10))):
                        await database.value(
                            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                        await load.until(40)
                    for _ in range(int(scaled(1, 5))):
                        await private_postgres.restart(signal.SIGINT)
                        await load.until(50)
                    load.heal()
                    await load.until(int(scaled(80, 2000)))
                lost = await journal.lost(database)

    row = load.row("F24 PostgreSQL restarts behind PgBouncer", lost=lost)
    report(row)
    assert (row.lost, row.failed, row.refused) == (0, 0, 0), row
    assert not journal.wrong
    assert row.ok + row.unavailable == row.sent
    assert row.recovery is not None
    assert row.recovery < 5, row
