"""Badges that are revoked: whose, by which bit, and what of it stays when the player goes."""

import asyncio

import pytest

from service.core.badges import credential, revocations
from service.core.badges.credential import EarnedAchievement
from service.core.badges.signing_keys import load_signing_keys, rotate_signing_key
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress import player_data
from service.core.progress.reader import ProgressReader, put_progress
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import open_pool
from service.errors import NotFound
from tests.factories import OTHER, PLAYER, achievement, draft, publish_draft

AT = 634_939_895_403_087_016


async def publish_title(pool, *, unlocked_at=AT):
    """Title 1, in which two players hold achievement 1."""
    async with pool.transaction() as connection:
        await publish_draft(connection, draft(1, (achievement(1),)))
        for player in (PLAYER, OTHER):
            part = ImportedProgress(title_id=1, unlocked={1: unlocked_at}, currents={})
            await put_progress(connection, player=player, progress=[part])


async def revoke(pool, player=PLAYER, unlocked_at=AT):
    """Revokes the badge; whether that changed anything, and where it stands."""
    award = EarnedAchievement(player, achievement(1), unlocked_at)
    at = credential.status_position(1, award, secret=(await load_signing_keys(pool)).secret)
    async with pool.transaction() as connection:
        return await revocations.revoke(connection, award, at, title_id=1, reason="won by mistake"), at


async def is_set(pool, at):
    return at.index in await revocations.revoked_positions(pool, title_id=1, number=at.list)


async def test_a_badge_is_found_by_what_the_player_unlocked(pool):
    await publish_title(pool)
    releases = SnapshotStore(pool)
    await releases.refresh()
    found = await revocations.find_earned(
        ProgressReader(pool), releases.current.titles[1], player=PLAYER, public_id="1"
    )

    assert (found.player, found.achievement.number, found.unlocked_at) == (PLAYER, 1, AT)
    with pytest.raises(NotFound):
        await revocations.find_earned(ProgressReader(pool), releases.current.titles[1], player="nobody", public_id="1")


async def test_revoking_sets_one_bit_and_restoring_clears_it(pool):
    await publish_title(pool)
    changed, at = await revoke(pool)
    again, _ = await revoke(pool)
    _, others = await revoke(pool, OTHER)

    assert (changed, again, await is_set(pool, at), await is_set(pool, others)) == (True, False, True, True)
    async with pool.transaction() as connection:
        assert await revocations.restore(connection, player=PLAYER, title_id=1, achievement=achievement(1))
    assert (await is_set(pool, at), await is_set(pool, others)) == (False, True)


async def test_nothing_is_noted_of_who_has_nothing(pool):
    await publish_title(pool)
    changed, at = await revoke(pool, "nobody")

    assert (changed, await is_set(pool, at)) == (False, False)


async def test_an_erased_players_badge_stays_revoked_and_a_new_players_is_not(pool, connection):
    """The bit names nobody; who was meant by it, and why, is gone."""
    await publish_title(pool)
    _, at = await revoke(pool)
    async with pool.transaction() as lent:
        await player_data.erase(lent, PLAYER, player_hash=bytes(32))

    assert await connection.fetchval("SELECT count(*) FROM revoked_badge") == 0
    assert await is_set(pool, at)
    anew = credential.status_position(
        1, EarnedAchievement(PLAYER, achievement(1), AT + 1), secret=(await load_signing_keys(pool)).secret
    )
    assert not await is_set(pool, anew)


async def test_whoever_rotates_at_once_leaves_every_key_published(own_database):
    pools = [await open_pool(own_database, size=2) for _ in range(4)]
    try:
        before = (await load_signing_keys(pools[0])).thumbprint
        made = await asyncio.gather(*map(rotate_signing_key, pools))
        after = await load_signing_keys(pools[0])
    finally:
        for pool in pools:
            await pool.close()

    assert all(after.jwk("", name) for name in (before, *made))
    assert before != after.thumbprint


async def test_the_first_to_ask_makes_the_keys_for_all(own_database):
    """However many processes are the first."""
    pools = [await open_pool(own_database, size=2) for _ in range(4)]
    try:
        found = await asyncio.gather(*(load_signing_keys(pool) for pool in pools))
    finally:
        for pool in pools:
            await pool.close()

    assert len({keys.thumbprint for keys in found}) == len({keys.secret for keys in found}) == 1
