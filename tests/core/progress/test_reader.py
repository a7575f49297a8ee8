"""Reading progress: unlocks keep their time, and the cache is never older than the database."""

import asyncio
import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.auth.principal import OPERATOR
from service.core.catalog.model import from_int4, to_int4
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.import_progress import import_progress
from service.core.progress.reader import ProgressReader
from service.core.publishing.drafts import import_draft
from tests.factories import PLAYER, achievement, draft

NUMBERS = [1, 2, 3, 2**31 + 5]


@pytest.fixture(autouse=True)
async def two_titles(connection):
    for title_id in (1, 2):
        new = draft(title_id, tuple(achievement(number) for number in NUMBERS))
        await import_draft(connection, OPERATOR, new)


def part(title_id, unlocked, currents=None):
    return ImportedProgress(title_id=title_id, unlocked=unlocked, currents=currents or {})


async def found(pool, title_id=1):
    return (await ProgressReader(pool).read_title(PLAYER, title_id)).progress


async def test_unlock_keeps_its_first_time(connection, pool):
    assert await import_progress(connection, player=PLAYER, progress=[part(1, {3: 100})]) == 1
    assert await import_progress(connection, player=PLAYER, progress=[part(1, {3: 50, 2**31 + 5: 70})]) == 1

    assert (await found(pool)).unlocked_at == {3: 100, to_int4(2**31 + 5): 70}


async def test_unlocks_as_of_a_revision_stay_known(connection, pool):
    await import_progress(connection, player=PLAYER, progress=[part(1, {1: 10})])
    await import_progress(connection, player=PLAYER, progress=[part(2, {1: 10})])
    await import_progress(connection, player=PLAYER, progress=[part(1, {2: 5})])

    progress = await found(pool)

    assert progress.revision == 3
    assert [dict(progress.unlocked_by(revision)) for revision in (0, 1, 2, 3)] == [
        {},
        {1: 10},
        {1: 10},
        {1: 10, 2: 5},
    ]


async def test_current_values_are_added_to_existing_ones(connection, pool):
    await import_progress(connection, player=PLAYER, progress=[part(1, {}, {2**31 + 5: ("1.0624",)})])
    await import_progress(connection, player=PLAYER, progress=[part(1, {}, {2: (None, "5")})])

    currents = (await found(pool)).current_values

    assert {from_int4(number): tuple(values) for number, values in currents.items()} == {
        2: (None, "5"),
        2**31 + 5: ("1.0624",),
    }


async def test_known_progress_is_not_read_again(connection, pool):
    await import_progress(connection, player=PLAYER, progress=[part(1, {1: 10})])
    reads = ProgressReader(pool)

    assert (await reads.read_title(PLAYER, 1, known=1)).progress is None
    assert (await reads.read_title(PLAYER, 1, known=0)).progress.unlocked_at == {1: 10}
    assert (await reads.read_title(PLAYER, 2, known=-1)).revision == -1


_writes = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.dictionaries(st.sampled_from(NUMBERS), st.integers(0, 10**18), max_size=3)),
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=_writes, player=st.uuids().map(str))
async def test_cached_progress_equals_a_fresh_read(connection, pool, writes, player):
    reads = ProgressReader(pool)

    for title_id, unlocked in writes:
        await import_progress(connection, player=player, progress=[part(title_id, unlocked)])

        remembered, fresh = await reads.read_all(player), await ProgressReader(pool).read_all(player)

        assert remembered.revision == fresh.revision
        assert shown(remembered) == shown(fresh)


def shown(everything):
    return {title_id: (p.revision, dict(p.unlocked_at)) for title_id, p in everything.titles.items()}


async def test_cache_does_not_outlive_an_erased_player(connection, pool):
    reads = ProgressReader(pool)
    put = functools.partial(import_progress, connection, player=PLAYER)
    await put(progress=[part(1, {1: 10})])
    await put(progress=[part(1, {2: 10})])
    await reads.read_all(PLAYER)

    await connection.execute("DELETE FROM progress")
    await connection.execute("DELETE FROM player")
    await put(progress=[part(2, {3: 10})])

    assert shown(await reads.read_all(PLAYER)) == {2: (1, {3: 10})}


async def test_titles_written_together_have_one_revision(connection, pool):
    await import_progress(connection, player=PLAYER, progress=[part(1, {1: 10})])
    await import_progress(connection, player=PLAYER, progress=[part(1, {2: 20}), part(2, {1: 10})])

    everything = await ProgressReader(pool).read_all(PLAYER)

    assert everything.revision == 2
    assert shown(everything) == {1: (2, {1: 10, 2: 20}), 2: (2, {1: 10})}


async def test_each_read_of_a_batch_gets_its_own_player(connection, pool):
    """Players with progress, without, with progress in one title of two, and the same player twice."""
    for player, title_id in [("1", 1), ("1", 2), ("2", 2), ("4", 1)]:
        await import_progress(connection, player=player, progress=[part(title_id, {title_id: int(player)})])
    reads = ProgressReader(pool)
    players = ["1", "3", "2", "1", "4"]

    in_title = await asyncio.gather(*(reads.read_title(player, 2) for player in players))
    everything = await asyncio.gather(*(reads.read_all(player) for player in players))

    assert [found.progress and found.progress.unlocked_at for found in in_title] == [{2: 1}, None, {2: 2}, {2: 1}, None]
    assert [[*each.titles] for each in everything] == [[1, 2], [], [2], [1, 2], [1]]
    assert [each.revision for each in everything] == [2, -1, 1, 2, 1]


async def test_only_changed_titles_are_read_again(connection, pool):
    await import_progress(connection, player=PLAYER, progress=[part(1, {1: 10}), part(2, {1: 10})])
    reads = ProgressReader(pool)
    before = await reads.read_all(PLAYER)
    assert await reads.read_all(PLAYER) is before

    await import_progress(connection, player=PLAYER, progress=[part(2, {2: 20})])
    after = await reads.read_all(PLAYER)

    assert after.titles[1] is before.titles[1]
    assert shown(after) == {1: (1, {1: 10}), 2: (2, {1: 10, 2: 20})}
    assert before.titles[2].unlocked_at == {1: 10}


async def test_cache_is_bounded_and_keeps_the_last_used_players(connection, pool):
    reads = ProgressReader(pool, max_cached_unlocks=20)
    for player in "123456789":
        await import_progress(connection, player=player, progress=[part(1, {1: 10, 2: 20, 3: 30})])

    for player in "123412567819":
        assert shown(await reads.read_all(player)) == {1: (1, {1: 10, 2: 20, 3: 30})}

    assert set(reads._cache) == {"7", "8", "1", "9"}
    assert reads._cache.currsize == 20


async def test_player_larger_than_the_whole_cache_is_read_and_not_cached(connection, pool):
    reads = ProgressReader(pool, max_cached_unlocks=4)
    await import_progress(connection, player=PLAYER, progress=[part(1, {1: 10})])
    await reads.read_all(PLAYER)
    await import_progress(connection, player=PLAYER, progress=[part(1, {2: 20, 3: 30})])

    for _ in range(2):
        assert shown(await reads.read_all(PLAYER)) == {1: (2, {1: 10, 2: 20, 3: 30})}
    assert not reads._cache
