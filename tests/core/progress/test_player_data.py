"""A player's data: the export is complete, and erasure leaves nothing, in rows or in counts."""

import asyncio
import json
from decimal import Decimal

import pytest

from service.core.auth import api_keys
from service.core.badges.revocations import revoke_credential
from service.core.events.writer import Writer
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress import consistency, player_data
from service.core.progress.import_progress import import_progress
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change, ProgressReport
from service.db.pool import open_pool
from service.errors import NotFound
from tests.factories import OTHER, PLAYER, achievement, counted, draft, event, metric, publish_draft

TABLES = ("player", "progress", "event", "metric_day", "idempotency", "outbox", "revoked_badge")


async def publish_title(pool):
    async with pool.transaction() as connection:
        new = draft(1, (counted(1, 3), achievement(2)), metrics=(metric(),))
        await publish_draft(connection, new)
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    return Writer(pool, snapshots)


@pytest.fixture
async def writer(pool, connection):
    """Title 1, in which two players have all kinds of data, and one of them a key and a webhook's message."""
    made = await publish_title(pool)
    await connection.execute("INSERT INTO webhook (title_id, url, secret) VALUES (1, 'https://example.com', 's')")
    for player in (PLAYER, OTHER):
        events = (event(5, key="first"), event(-1))
        await made.write(Change(player=player, title_id=1, events=events, reports=(ProgressReport(2, Decimal(100)),)))
    await made.write(Change(player=PLAYER, title_id=1, profile={"name": "Ann", "email": "ann@example.com"}))
    await api_keys.create_key(connection, title_id=1, player=PLAYER)
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    for player in (PLAYER, OTHER):
        published = snapshots.current.titles[1]
        await revoke_credential(pool, ProgressReader(pool), published, player=player, public_id="2", reason="a mistake")
    return made


async def exported(connection, player=PLAYER):
    return json.loads(b"".join([piece async for piece in player_data.export(connection, player)]))


async def erase(pool, player=PLAYER):
    async with pool.transaction() as connection:
        return await player_data.erase(connection, player)


async def counts(connection):
    rows = await connection.fetch("SELECT number, sum(change) FROM completion_delta GROUP BY number ORDER BY number")
    return {number: count for number, count in rows if count}


@pytest.mark.usefixtures("writer")
async def test_export_contains_everything_stored_about_a_player(connection):
    found = await exported(connection)

    (progress,) = found["progress"]
    assert [unlock["number"] for unlock in progress["unlocks"]] == [1, 2]
    assert progress["profile"]["email"] == "ann@example.com"
    assert sorted(one["amount"] for one in found["events"]) == ["-1", "5"]
    assert found["metric_days"][0]["change"] == "4"
    assert found["idempotency_keys"][0]["key"] == "first"
    assert sorted(one["number"] for one in found["outbox"]) == [1, 2]
    assert len(found["api_keys"]) == 1
    assert [(one["number"], one["reason"]) for one in found["revoked_badges"]] == [(2, "a mistake")]
    assert OTHER not in json.dumps(found)


@pytest.mark.usefixtures("writer")
async def test_erasure_removes_all_rows_and_counts_of_a_player(pool, connection):
    gone = await erase(pool)

    assert (gone.titles, gone.unlocks, gone.events) == (1, 2, 2)
    for table in TABLES:
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE player = $1", PLAYER) == 0  # noqa: S608
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE player = $1", OTHER) > 0  # noqa: S608
    assert await connection.fetchval("SELECT count(*) FROM api_key") == 0
    assert await counts(connection) == {0: 1, 1: 1, 2: 1}
    assert await consistency.find_drift(connection) == []


async def test_new_player_with_an_erased_id_starts_without_progress(pool, writer, connection):
    reads = ProgressReader(pool)
    before = await reads.read_all(PLAYER)
    await erase(pool)
    gone = await reads.read_all(PLAYER)
    written = await writer.write(Change(player=PLAYER, title_id=1, events=(event(1, key="first"),)))
    after = await reads.read_all(PLAYER)

    assert (len(before.titles), len(gone.titles), len(after.titles)) == (1, 0, 1)
    assert (written.recorded[0].is_replay, written.recorded[0].total) == (False, 1)
    assert after.revision > before.revision
    assert dict(after.titles[1].unlocked_at) == {}
    del connection


@pytest.mark.usefixtures("writer")
async def test_player_imported_after_an_erasure_begins_above_the_erased_revision(pool, connection):
    before = await ProgressReader(pool).read_all(PLAYER)
    await erase(pool)

    await import_progress(
        connection, player=PLAYER, progress=[ImportedProgress(title_id=1, unlocked={1: 5}, currents={})]
    )

    assert (await ProgressReader(pool).read_all(PLAYER)).revision > before.revision


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("what", ["export", "erase"])
async def test_unknown_player_is_not_found(pool, connection, what):
    with pytest.raises(NotFound):
        await (exported(connection, "nobody") if what == "export" else erase(pool, "nobody"))


async def test_erasure_concurrent_with_writes_leaves_consistent_counters(own_database):
    """Writes accepted after the erasure are kept, earlier ones are not, and the counters match the rows."""
    pool = await open_pool(own_database, size=4)
    try:
        writer = await publish_title(pool)
        writing = [
            asyncio.create_task(writer.write(Change(player=PLAYER, title_id=1, events=(event(1),)))) for _ in range(40)
        ]
        await writing[0]
        await asyncio.sleep(0)
        await erase(pool)
        await asyncio.gather(*writing)
        async with pool.connection() as connection:
            events = await connection.fetchval("SELECT count(*) FROM event")
            days = await connection.fetchval("SELECT coalesce(sum(change), 0) FROM metric_day")
            findings = await consistency.find_drift(connection)
        state = await writer.read_state(PLAYER, 1)
    finally:
        await pool.close()

    assert (Decimal(state.measure_values.get("sum:words", "0")), days) == (events, events)
    assert findings == []


async def test_doctor_reports_drift_and_repairs_holder_counts(writer, connection):
    assert await consistency.find_drift(connection) == []
    await connection.execute("UPDATE metric_day SET change = change + 1 WHERE player = $1", PLAYER)
    await connection.execute("INSERT INTO completion_delta VALUES (1, 1, 5), (1, 7, -2)")

    found = [drift.description for drift in await consistency.find_drift(connection, repair=True)]
    assert found == [
        "title 1: holders of achievement 1: expected 2, got 7, repaired",
        "title 1: holders of achievement 7: expected 0, got -2, repaired",
        "title 1: 1 totals of words differ from the sums of their days",
    ]
    assert len(await consistency.find_drift(connection)) == 1
    del writer
