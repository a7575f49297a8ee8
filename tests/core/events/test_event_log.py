"""Partitions of the event log by month: created ahead, dropped when old, and no total depends on them."""

from service.core.events import event_log
from service.core.events.writer import Writer
from service.core.progress import consistency
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change
from tests.factories import PLAYER, counted, draft, event, metric, publish_draft

OLD = "CREATE TABLE event_2020_01 PARTITION OF event FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z')"


async def partitions(connection):
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON i.inhrelid = c.oid "
        "WHERE i.inhparent = 'event'::regclass AND c.relname <> 'event_at_other_times' ORDER BY 1"
    )
    return [name for (name,) in rows]


async def test_partitions_are_created_ahead_once(connection):
    await event_log.create_partitions(connection, 3)
    made = await partitions(connection)
    await event_log.create_partitions(connection, 3)

    assert len(made) == 3
    assert await partitions(connection) == made


async def test_dropping_old_partitions_keeps_totals(pool, connection):
    async with pool.transaction() as held:
        await publish_draft(held, draft(1, (counted(1, 5),), metrics=(metric(),)))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    writer = Writer(pool, snapshots)
    await event_log.create_partitions(connection, 1)
    await connection.execute(OLD)
    await writer.write(Change(player=PLAYER, title_id=1, events=(event(7),)))
    columns = "player, title_id, metric, at, event_id, amount"
    await connection.execute(
        f"INSERT INTO event ({columns}, recorded_at) SELECT {columns}, '2020-01-15Z' FROM event"  # noqa: S608  (as if it was recorded then)
    )
    before = await connection.fetchval("SELECT count(*) FROM event")
    gone = await event_log.drop_partitions(connection, older_than=13)
    written = await writer.write(Change(player=PLAYER, title_id=1, events=(event(1),)))

    assert (before, gone) == (2, ["event_2020_01"])
    assert (written.recorded[0].total, list(written.state.unlocked)) == (8, [1])
    assert await consistency.find_drift(connection) == []


async def test_month_with_rows_in_the_default_partition_gets_no_partition(pool, connection):
    """Rows of a month without a partition go to the default partition, so that no write fails."""
    async with pool.transaction() as held:
        await publish_draft(held, draft(1, (counted(1, 5),), metrics=(metric(),)))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    await Writer(pool, snapshots).write(Change(player=PLAYER, title_id=1, events=(event(7),)))
    await event_log.create_partitions(connection, 2)

    assert len(await partitions(connection)) == 1
    assert await connection.fetchval("SELECT count(*) FROM event") == 1
