"""Writes are exact: under concurrency, repetition and other writers."""

import asyncio
import datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.catalog.model import Attribute
from service.core.events.writer import Writer
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change, ProgressReport
from service.db.pool import open_pool
from service.errors import InvalidField, NotFound, UnknownMetric
from tests.factories import PLAYER, achievement, counted, draft, event, metric, publish_draft


async def publish_title(pool, *achievements, **changes):
    """Serves title 1, which counts words."""
    changes = {"metrics": (metric(),)} | changes
    async with pool.transaction() as connection:
        await publish_draft(connection, draft(1, achievements, **changes))


async def writer_on(pool):
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    return Writer(pool, snapshots)


@pytest.fixture
async def writer(pool):
    """Title 1 counts words: achievement 1 for 3 of them, achievement 2 for 10."""
    await publish_title(pool, counted(1, 3), counted(2, 10), achievement(3))
    return await writer_on(pool)


def change(*events, player=PLAYER, **members):
    return Change(player=player, title_id=1, events=events, **members)


async def test_events_add_up_and_unlock_once(writer):
    first = await writer.write(change(event(2)))
    second = await writer.write(change(event("1.5"), event(7)))

    assert [r.total for r in first.recorded + second.recorded] == [Decimal(2), Decimal("10.5"), Decimal("10.5")]
    assert [u.number for u in first.unlocked + second.unlocked] == [1, 2]
    assert [r.unlocked for r in second.recorded] == [(1,), (2,)]
    assert (await writer.read_state(PLAYER, 1)).measure_values["sum:words"] == "10.5"


async def test_event_with_a_repeated_key_counts_once(writer, connection):
    first = await writer.write(change(event(2, key="a")))
    again = await writer.write(change(event(2, key="a")))
    other = await writer.write(change(event(2, key="b")))

    assert [w.recorded[0].is_replay for w in (first, again, other)] == [False, True, False]
    assert again.recorded[0].event_id == first.recorded[0].event_id
    assert (again.is_change, again.recorded[0].total, other.recorded[0].total) == (False, 2, 4)
    assert await connection.fetchval("SELECT count(*) FROM event") == 2


async def test_concurrent_events_with_one_key_count_once(writer, connection):
    written = await asyncio.gather(*(writer.write(change(event(2, key="a"))) for _ in range(5)))

    assert sorted(w.recorded[0].is_replay for w in written) == [False, True, True, True, True]
    assert len({w.recorded[0].event_id for w in written}) == 1
    assert await connection.fetchval("SELECT sum(amount) FROM event") == 2


async def test_invalid_change_does_not_affect_others(writer):
    outcomes = await asyncio.gather(
        writer.write(change(event(1))),
        writer.write(change(event(1, metric="letters"))),
        writer.write(change(event(1, attributes={"colour": "red"}))),
        writer.write(change(event(1), must_exist=True, player="nobody")),
        writer.write(change(reports=(ProgressReport(99, Decimal(5)),))),
        writer.write(Change(player=PLAYER, title_id=2, events=(event(1),))),
        writer.write(change(event(1))),
        return_exceptions=True,
    )

    assert all(
        isinstance(outcome, kind)
        for outcome, kind in zip(
            outcomes[1:6], (UnknownMetric, InvalidField, NotFound, NotFound, NotFound), strict=True
        )
    )
    assert outcomes[6].recorded[0].total == 2


async def test_reported_percentage_only_rises_and_unlocks_at_100(writer):
    half = await writer.write(change(reports=(ProgressReport(3, Decimal(50)),)))
    lower = await writer.write(change(reports=(ProgressReport(3, Decimal(20)),)))
    whole = await writer.write(change(reports=(ProgressReport(3, Decimal(150)),)))
    again = await writer.write(change(reports=(ProgressReport(3, Decimal(100)),)))

    assert [w.is_change for w in (half, lower, whole, again)] == [True, False, True, False]
    assert [u.number for u in whole.unlocked] == [3]


async def test_holder_counts_include_each_player_and_unlock_once(writer, connection):
    for amount in (1, 5, 5, 5):
        await writer.write(change(event(amount)))

    rows = await connection.fetch("SELECT number, sum(change) FROM completion_delta GROUP BY number ORDER BY number")
    assert [tuple(row) for row in rows] == [(0, 1), (1, 1), (2, 1)]


async def test_unlock_notifies_webhooks_unless_suppressed(writer, connection):
    await connection.execute("INSERT INTO webhook (title_id, url, secret) VALUES (1, 'https://example.com', 's')")
    await writer.write(change(event(5)))
    await writer.write(change(event(5), suppress_notifications=True))

    assert await connection.fetch("SELECT player, number FROM outbox") == [(PLAYER, 1)]


async def test_stale_cached_state_is_detected(pool, writer):
    other = await writer_on(pool)
    await writer.write(change(event(1)))
    await other.write(change(event(1)))
    await writer.write(change(event(1)))
    unlocked = await other.write(change(event(1)))

    assert unlocked.recorded[0].total == 4
    assert (await writer.read_state(PLAYER, 1)).unlocked.keys() == {1}


async def test_profile_is_written_only_when_it_changes(pool):
    await publish_title(
        pool, counted(1, 3), attributes=(Attribute(key="plan", public_id="p", kind="user", name="Plan"),)
    )
    writer = await writer_on(pool)
    first = await writer.write(change(profile={"name": "Ann", "attributes": {"plan": "free"}}))
    same = await writer.write(change(profile={"name": "Ann"}))
    other = await writer.write(change(profile={"attributes": {"plan": None}}))

    assert [w.is_change for w in (first, same, other)] == [True, False, True]
    state = await writer.read_state(PLAYER, 1)
    assert (state.profile.name, state.profile.attributes) == ("Ann", {})


async def test_events_of_a_day_add_up_in_its_daily_total(writer, connection):
    await writer.write(change(event(2), event(-1)))
    await writer.write(change(event("0.5")))

    rows = await connection.fetch("SELECT metric, day, change, is_active FROM metric_day")
    today = datetime.datetime.now(datetime.UTC).date()
    assert [tuple(row) for row in rows] == [("words", today, Decimal("1.5"), True)]


@pytest.mark.parametrize("has_keys", [True, False], ids=["with keys", "without"])
async def test_racing_writers_lose_and_repeat_no_event(own_database, has_keys):
    """2 000 events under 40 keys, by four writers as four processes would be, leave 40; without keys all of them."""
    pools = [await open_pool(own_database, size=2) for _ in range(4)]
    try:
        await publish_title(pools[0], counted(1, 30))
        writers = [await writer_on(pool) for pool in pools]
        written = await asyncio.gather(
            *(writers[i % 4].write(change(event(1, key=f"key {i % 40}" if has_keys else None))) for i in range(2000))
        )
        expected = 40 if has_keys else 2000
        state = await writers[0].read_state(PLAYER, 1)
        async with pools[0].connection() as connection:
            events = await connection.fetchval("SELECT count(*) FROM event")
            days = await connection.fetchval("SELECT sum(change) FROM metric_day")
            unlocks = await connection.fetchval("SELECT sum(change) FROM completion_delta WHERE number = 1")
    finally:
        for pool in pools:
            await pool.close()

    assert (state.measure_values["sum:words"], events, days, unlocks) == (str(expected), expected, expected, 1)
    assert sum(not w.recorded[0].is_replay for w in written) == expected
    assert sum(len(w.unlocked) for w in written) == 1


async def test_failing_change_of_one_player_does_not_repeat_anothers(own_database):
    """The first round writes "a" and reads "b" again; the second round fails on a key that Postgres cannot store."""
    pool = await open_pool(own_database, size=2)
    try:
        await publish_title(pool, counted(1, 3))
        writer = await writer_on(pool)
        await writer.write(change(event(1), player="b"))
        outcomes = await asyncio.gather(
            writer.write(change(event(1), player="a")),
            writer.write(change(event(1, metric="letters"), player="b")),
            writer.write(change(event(1, key="\0"), player="b")),
            return_exceptions=True,
        )
        state = await writer.read_state("a", 1)
    finally:
        await pool.close()

    assert outcomes[0].recorded[0].total == 1
    assert all(isinstance(outcome, Exception) for outcome in outcomes[1:])
    assert state.measure_values["sum:words"] == "1"


async def test_concurrent_players_each_get_exact_totals(own_database):
    pool = await open_pool(own_database, size=4)
    try:
        await publish_title(pool, counted(1, 1))
        writers = [await writer_on(pool) for _ in range(2)]
        players = [f"player {i}" for i in range(50)]
        await asyncio.gather(
            *(writers[i % 2].write(change(event(1), player=player)) for i in range(6) for player in players)
        )
        states = [await writers[0].read_state(player, 1) for player in players]
        async with pool.connection() as connection:
            counted_players = await connection.fetchval("SELECT sum(change) FROM completion_delta WHERE number = 0")
    finally:
        await pool.close()

    assert {state.measure_values["sum:words"] for state in states} == {"6"}
    assert counted_players == len(players)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(amounts=st.lists(st.decimals(-50, 50, places=2), max_size=12), together=st.integers(1, 5))
async def test_amounts_add_up_to_their_sum_in_any_batches(writer, amounts, together):
    player = f"{len(amounts)} {together} {hash(tuple(amounts))}"
    for start in range(0, len(amounts), together):
        await asyncio.gather(
            *(writer.write(change(event(str(a)), player=player)) for a in amounts[start : start + together])
        )

    state = await writer.read_state(player, 1)
    assert Decimal(str(state.measure_values.get("sum:words", "0"))) == sum(amounts)
