"""Backfills unlock what players reached before an achievement was opened: once, without notifications."""

import pytest

from service.core.catalog.model import Attribute
from service.core.events import backfill
from service.core.events.writer import Writer
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change
from tests.factories import achievement, counted, draft, event, metric, publish_draft

ATTRIBUTES = (Attribute(key="source", public_id="source", kind="event", name="Source"),)


@pytest.fixture
async def publish_title(pool):
    """Publishes title 1 with the given achievements."""

    async def published(*achievements):
        async with pool.transaction() as connection:
            new = draft(1, achievements, metrics=(metric(),), attributes=ATTRIBUTES)
            await publish_draft(connection, new)

    return published


@pytest.fixture
async def snapshots(pool, publish_title):
    """Title 1 without rules, where three players wrote 1, 5 and 9 words from the app and as many from elsewhere."""
    await publish_title(achievement(9))
    found = SnapshotStore(pool)
    await found.refresh()
    writer = Writer(pool, found)
    for player, amount in (("a", 1), ("b", 5), ("c", 9)):
        events = (event(amount, attributes={"source": "app"}), event(amount))
        await writer.write(Change(player=player, title_id=1, events=events))
    return found


@pytest.fixture
def writer(pool, snapshots):
    """A writer with an empty cache."""
    return Writer(pool, snapshots)


async def run_backfill(pool, writer, snapshots):
    while await backfill.run_step(pool, writer, snapshots):
        pass


async def held(writer, number):
    return [player for player in "abc" if number in (await writer.read_state(player, 1)).unlocked]


async def test_backfill_unlocks_what_players_had_reached(pool, publish_title, snapshots, writer, connection):
    await publish_title(achievement(9), counted(1, 10), counted(2, 5, where=(("source", "app"),)))
    await run_backfill(pool, writer, snapshots)

    assert (await held(writer, 1), await held(writer, 2)) == (["b", "c"], ["b", "c"])
    assert (await writer.read_state("a", 1)).measure_values["sum:words?source=app"] == "1"
    assert await connection.fetchval("SELECT count(*) FROM backfill") == 0


async def test_later_events_continue_from_recomputed_values(pool, publish_title, snapshots, writer):
    await publish_title(achievement(9), counted(2, 6, where=(("source", "app"),)))
    await run_backfill(pool, writer, snapshots)
    written = await writer.write(Change(player="b", title_id=1, events=(event(1, attributes={"source": "app"}),)))

    assert [unlock.number for unlock in written.unlocked] == [2]


async def test_dry_run_predicts_the_backfill(pool, publish_title, snapshots, writer):
    new = draft(1, (achievement(9), counted(1, 10), counted(2, 9, aggregate="max")), metrics=(metric(),))
    predicted = await backfill.dry_run(pool, writer, new, [1, 2])
    before = await held(writer, 1)
    await publish_title(achievement(9), counted(1, 10), counted(2, 9, aggregate="max"))
    await run_backfill(pool, writer, snapshots)

    assert before == []
    assert predicted == backfill.DryRun(3, {1: 2, 2: 1})
    assert {1: len(await held(writer, 1)), 2: len(await held(writer, 2))} == predicted.unlocks


async def test_backfill_sends_no_notifications(pool, publish_title, snapshots, writer, connection):
    await connection.execute("INSERT INTO webhook (title_id, url, secret) VALUES (1, 'https://example.com', 's')")
    await publish_title(achievement(9), counted(1, 10))
    await run_backfill(pool, writer, snapshots)

    assert len(await held(writer, 1)) == 2
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0


async def test_interrupted_backfill_continues_at_its_position(pool, publish_title, snapshots, connection, monkeypatch):
    writer = Writer(pool, snapshots)
    monkeypatch.setattr(backfill, "_PAGE", 1)
    await publish_title(achievement(9), counted(1, 2))
    await backfill.run_step(pool, writer, snapshots)
    after_one = await held(writer, 1)
    await connection.execute("UPDATE backfill SET due_at = now()")
    await run_backfill(pool, Writer(pool, snapshots), snapshots)

    assert (after_one, await held(writer, 1)) == (["a"], ["a", "b", "c"])


async def test_publishing_unchanged_rules_starts_no_backfill(publish_title, snapshots, connection):
    await publish_title(achievement(9), counted(1, 10))
    await publish_title(achievement(9, display_order=3), counted(1, 10))

    assert await connection.fetchval("SELECT count(*) FROM backfill") == 1
    del snapshots
