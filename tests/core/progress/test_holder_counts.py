"""Holder counts are exact before, while and after deltas are merged."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.progress.holder_counts import Counts, HolderCounts
from service.db.pool import open_pool

INSERT = "INSERT INTO completion_delta (title_id, number, change) VALUES ($1, $2, $3)"


async def test_merging_deltas_does_not_change_the_counts(pool, connection):
    completions = HolderCounts(pool)
    await connection.executemany(INSERT, [(1, 0, 1)] * 4 + [(1, 7, 1)] * 3 + [(1, 7, -1), (2, 0, 1)])
    before = await completions.of(1)
    folded = await completions.merge_deltas(connection)
    after = await completions.of(1)
    await connection.execute(INSERT, 1, 7, 1)

    assert (before.players, dict(before.holders), folded) == (4, {7: 2}, 9)
    assert after is before
    assert (await completions.of(1)).holders == {7: 3}
    assert await connection.fetchval("SELECT count(*) FROM completion_delta") == 1


async def test_title_without_players_has_no_counts(pool):
    assert await HolderCounts(pool).of(99) == Counts(0, {}, 0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 3), st.sampled_from([1, 1, -1])) | st.none(), max_size=20
    )
)
async def test_sums_are_those_of_all_changes_whenever_deltas_are_merged(pool, connection, steps):
    await connection.execute("DELETE FROM completion; DELETE FROM completion_delta")
    completions, expected = HolderCounts(pool), {}
    for step in steps:
        if step is None:
            await completions.merge_deltas(connection)
        else:
            await connection.execute(INSERT, *step)
            expected[step[:2]] = expected.get(step[:2], 0) + step[2]
        for title_id in (1, 2):
            counts = await completions.of(title_id)
            found = {0: counts.players, **counts.holders}
            for number in range(4):
                assert found.get(number, 0) == expected.get((title_id, number), 0)


async def test_concurrent_reads_merges_and_writes_lose_nothing(own_database):
    """Two pools merge while others write and read: no read sees fewer than were written before it, or more than all."""
    pool = await open_pool(own_database, size=6)
    total, written, seen = 600, 0, []
    done = asyncio.Event()

    async def write():
        nonlocal written
        for _ in range(total // 3):
            async with pool.connection() as connection:
                await connection.execute(INSERT, 1, 1, 1)
            written += 1

    async def fold(completions):
        while not done.is_set():
            async with pool.connection() as connection:
                await completions.merge_deltas(connection)

    async def read(completions):
        while not done.is_set():
            before = written
            count = (await completions.of(1)).holders.get(1, 0)
            seen.append((before, count))

    try:
        both = [HolderCounts(pool), HolderCounts(pool)]
        others = [asyncio.create_task(task) for task in (fold(both[0]), fold(both[1]), read(both[0]))]
        await asyncio.gather(write(), write(), write())
        done.set()
        await asyncio.gather(*others)
        at_last = (await both[1].of(1)).holders[1]
    finally:
        await pool.close()

    assert at_last == total
    assert seen
    assert all(before <= count <= total for before, count in seen)
