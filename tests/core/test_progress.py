"""Players' rows: what is written once stays, and what is remembered is never older than the database."""

import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core import publishing
from service.core.catalog import number_of, stored
from service.core.formats.xbox_page import TitleProgress
from service.core.progress import ProgressReads, put_progress
from tests.making import PLAYER, achievement, draft

NUMBERS = [1, 2, 3, 2**31 + 5]


@pytest.fixture(autouse=True)
async def two_titles(connection):
    for title_id in (1, 2):
        new = draft(title_id, tuple(achievement(number) for number in NUMBERS))
        await publishing.import_draft(connection, new, is_whole=True, file="test")


def part(title_id, unlocked, currents=None):
    return TitleProgress(title_id=title_id, unlocked=unlocked, currents=currents or {})


async def found(pool, title_id=1):
    return (await ProgressReads(pool).in_title(PLAYER, title_id)).progress


async def test_an_unlock_keeps_its_first_time(connection, pool):
    assert await put_progress(connection, player=PLAYER, progress=[part(1, {3: 100})]) == 1
    assert await put_progress(connection, player=PLAYER, progress=[part(1, {3: 50, 2**31 + 5: 70})]) == 1

    assert (await found(pool)).unlocked_at == {3: 100, stored(2**31 + 5): 70}


async def test_what_was_unlocked_by_a_revision_stays_known(connection, pool):
    await put_progress(connection, player=PLAYER, progress=[part(1, {1: 10})])
    await put_progress(connection, player=PLAYER, progress=[part(2, {1: 10})])
    await put_progress(connection, player=PLAYER, progress=[part(1, {2: 5})])

    progress = await found(pool)

    assert progress.revision == 3
    assert [dict(progress.unlocked_by(revision)) for revision in (0, 1, 2, 3)] == [
        {},
        {1: 10},
        {1: 10},
        {1: 10, 2: 5},
    ]


async def test_current_values_are_added_to_those_that_are_there(connection, pool):
    await put_progress(connection, player=PLAYER, progress=[part(1, {}, {2**31 + 5: ("1.0624",)})])
    await put_progress(connection, player=PLAYER, progress=[part(1, {}, {2: (None, "5")})])

    currents = (await found(pool)).currents

    assert {number_of(number): tuple(values) for number, values in currents.items()} == {
        2: (None, "5"),
        2**31 + 5: ("1.0624",),
    }


async def test_what_is_known_already_is_not_sent_again(connection, pool):
    await put_progress(connection, player=PLAYER, progress=[part(1, {1: 10})])
    reads = ProgressReads(pool)

    assert (await reads.in_title(PLAYER, 1, known=1)).progress is None
    assert (await reads.in_title(PLAYER, 1, known=0)).progress.unlocked_at == {1: 10}
    assert (await reads.in_title(PLAYER, 2, known=-1)).revision == -1


_writes = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.dictionaries(st.sampled_from(NUMBERS), st.integers(0, 10**18), max_size=3)),
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=_writes, player=st.uuids().map(str))
async def test_what_is_remembered_is_what_a_fresh_read_finds(connection, pool, writes, player):
    reads = ProgressReads(pool)

    for title_id, unlocked in writes:
        await put_progress(connection, player=player, progress=[part(title_id, unlocked)])

        remembered, fresh = await reads.everything(player), await ProgressReads(pool).everything(player)

        assert remembered.revision == fresh.revision
        assert shown(remembered) == shown(fresh)


def shown(everything):
    return {title_id: (p.revision, dict(p.unlocked_at)) for title_id, p in everything.titles.items()}


async def test_a_player_erased_and_begun_again_is_not_who_was_remembered(connection, pool):
    reads = ProgressReads(pool)
    put = functools.partial(put_progress, connection, player=PLAYER)
    await put(progress=[part(1, {1: 10})])
    await put(progress=[part(1, {2: 10})])
    await reads.everything(PLAYER)

    await connection.execute("DELETE FROM progress")
    await connection.execute("DELETE FROM player")
    await put(progress=[part(2, {3: 10})])

    assert shown(await reads.everything(PLAYER)) == {2: (1, {3: 10})}
