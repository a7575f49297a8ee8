"""Unlocks by tenure reach every player whose time has come, once, and nobody earlier."""

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import ticks
from service.core.events import tenure
from service.core.events.writer import Writer
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change
from service.db.pool import open_pool
from tests.factories import counted, draft, event, metric, publish_draft

MINUTE = 60
LONG, SHORT = (counted(n, seconds, aggregate="age", metric=None) for n, seconds in ((1, 10 * MINUTE), (2, MINUTE)))


class Clock:
    """A clock that a test moves, in seconds."""

    def __init__(self):
        self.seconds = 1_700_000_000

    def __call__(self):
        """The time as `time.time_ns` gives it."""
        return self.seconds * 10**9


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def snapshots(pool):
    async with pool.transaction() as connection:
        made = draft(1, (LONG, SHORT, counted(3, 5)), metrics=(metric(),))
        await publish_draft(connection, made)
    found = SnapshotStore(pool)
    await found.refresh()
    return found


@pytest.fixture
def writer(pool, snapshots, clock):
    return Writer(pool, snapshots, clock=clock)


async def unlocked(writer, player):
    state = await writer.read_state(player, 1)
    return {number: (at - state.created_at) // ticks.SECOND for number, at in state.unlocked.items()}


async def test_due_player_unlocks_without_any_event(pool, snapshots, writer, clock):
    await writer.write(Change(player="old", title_id=1, events=(event(1),)))
    clock.seconds += MINUTE - 1
    await writer.write(Change(player="young", title_id=1, events=(event(1),)))
    await tenure.award_due(pool, writer, snapshots)
    before = await unlocked(writer, "old")
    clock.seconds += 1
    await tenure.award_due(pool, writer, snapshots)

    assert before == {}
    assert await unlocked(writer, "old") == {2: MINUTE}
    assert await unlocked(writer, "young") == {}


async def test_each_required_tenure_has_its_own_cursor(pool, snapshots, writer, clock):
    await writer.write(Change(player="one", title_id=1, events=(event(1),)))
    for _ in range(10):
        clock.seconds += MINUTE
        await tenure.award_due(pool, writer, snapshots)

    assert await unlocked(writer, "one") == {2: MINUTE, 1: 10 * MINUTE}


async def test_blocked_player_unlocks_by_tenure_only_after_being_unblocked(pool, snapshots, writer, clock):
    await writer.write(Change(player="one", title_id=1, profile={"is_active": False}))
    clock.seconds += 2 * MINUTE
    await tenure.award_due(pool, writer, snapshots)
    blocked = await unlocked(writer, "one")
    await writer.write(Change(player="one", title_id=1, profile={"is_active": True}))

    assert blocked == {}
    assert await unlocked(writer, "one") == {2: 2 * MINUTE}


async def test_second_run_writes_nothing(pool, snapshots, writer, clock):
    await writer.write(Change(player="one", title_id=1, events=(event(1),)))
    clock.seconds += MINUTE
    await tenure.award_due(pool, writer, snapshots)
    revision = (await writer.read_state("one", 1)).revision
    await tenure.award_due(pool, writer, snapshots)

    assert (await writer.read_state("one", 1)).revision == revision


async def test_player_who_becomes_visible_late_is_not_skipped(pool, connection, snapshots, writer, clock):
    """A slow write may become visible after the cursor has passed its player's time of arrival."""
    await writer.write(Change(player="one", title_id=1, events=(event(1),)))
    clock.seconds += MINUTE + 5
    await tenure.award_due(pool, writer, snapshots)
    await writer.write(Change(player="late", title_id=1, events=(event(1),)))
    came = (await writer.read_state("late", 1)).created_at - (MINUTE + 3) * ticks.SECOND
    await connection.execute("UPDATE progress SET created_at = $1 WHERE player = 'late'", came)
    other_process = Writer(pool, snapshots, clock=clock)
    await tenure.award_due(pool, other_process, snapshots)

    assert 2 in await unlocked(writer, "late")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(arrivals=st.lists(st.integers(0, 3 * MINUTE), min_size=1, max_size=12), runs=st.integers(1, 6))
async def test_every_player_unlocks_whenever_they_arrive_and_whenever_the_job_runs(
    pool, connection, snapshots, arrivals, runs
):
    """Also of players who arrive at the same moment; no run awards too early."""
    await connection.execute("DELETE FROM progress; DELETE FROM player; DELETE FROM age_watch")
    clock = Clock()
    writer = Writer(pool, snapshots, clock=clock)
    begin = clock.seconds
    moments = [("arrives", at, str(i)) for i, at in enumerate(arrivals)]
    moments += [("runs", 4 * MINUTE * (i + 1) // runs, "") for i in range(runs)]
    for what, at, player in sorted(moments, key=lambda moment: moment[1]):
        clock.seconds = begin + at
        if what == "arrives":
            await writer.write(Change(player=player, title_id=1, events=(event(1),)))
        else:
            await tenure.award_due(pool, writer, snapshots)
    for player, at in enumerate(arrivals):
        assert all(seconds >= MINUTE for seconds in (await unlocked(writer, str(player))).values()), at
    clock.seconds = begin + 5 * MINUTE
    await tenure.award_due(pool, writer, snapshots)

    assert all([2 in await unlocked(writer, str(player)) for player in range(len(arrivals))])


async def test_two_processes_award_more_than_a_page_of_players_once(own_database, clock):
    """Both run at once; after both have ended, each player has the unlock once."""
    pool = await open_pool(own_database, size=4)
    try:
        async with pool.transaction() as connection:
            made = draft(1, (msgspec.structs.replace(SHORT, display_order=1),), metrics=(metric(),))
            await publish_draft(connection, made)
        snapshots = SnapshotStore(pool)
        await snapshots.refresh()
        writers = [Writer(pool, snapshots, clock=clock) for _ in range(2)]
        players = [f"player {i}" for i in range(250)]
        await asyncio.gather(*(writers[0].write(Change(player=p, title_id=1, events=(event(1),))) for p in players))
        clock.seconds += MINUTE
        await asyncio.gather(*(tenure.award_due(pool, writer, snapshots) for writer in writers))
        async with pool.connection() as connection:
            found = await connection.fetch("SELECT unlocked FROM progress")
            counted_ = await connection.fetchval("SELECT sum(change) FROM completion_delta WHERE number = 2")
    finally:
        await pool.close()

    assert [row["unlocked"] for row in found] == [[2]] * 250
    assert counted_ == 250
