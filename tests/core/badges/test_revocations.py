"""Revoking and restoring badges, and creating and rotating the keys that sign them."""

import asyncio
import gc
import weakref

import pytest

from service.core.badges.credential import status_position
from service.core.badges.earned import EarnedAchievement, find_earned
from service.core.badges.revocations import restore_credential, revoke_credential, revoked_positions
from service.core.badges.signing_keys import load_signing_keys, rotate_signing_key
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress import player_data
from service.core.progress.import_progress import import_progress
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import open_pool
from service.errors import NotFound
from tests.factories import OTHER, PLAYER, achievement, draft, publish_draft

UNLOCKED_AT = 634_939_895_403_087_016


async def publish_title(pool):
    """Title 1, in which two players hold achievement 1."""
    async with pool.transaction() as connection:
        await publish_draft(connection, draft(1, (achievement(1),)))
        for player in (PLAYER, OTHER):
            progress = ImportedProgress(title_id=1, unlocked={1: UNLOCKED_AT}, currents={})
            await import_progress(connection, player=player, progress=[progress])
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    return snapshots.current.titles[1]


@pytest.fixture
async def published(pool):
    return await publish_title(pool)


async def revoke(pool, published, player=PLAYER):
    return await revoke_credential(
        pool, ProgressReader(pool), published, player=player, public_id="1", reason="won by mistake"
    )


async def is_revoked(pool, player=PLAYER, unlocked_at=UNLOCKED_AT):
    keys = await load_signing_keys(pool)
    earned = EarnedAchievement(player, achievement(1), unlocked_at)
    position = status_position(1, earned, secret=keys.secret)
    return position.index in await revoked_positions(pool, title_id=1, number=position.list)


async def test_earned_achievement_is_found_by_its_public_id(pool, published):
    earned = await find_earned(ProgressReader(pool), published, player=PLAYER, public_id="1")

    assert (earned.player, earned.achievement.number, earned.unlocked_at) == (PLAYER, 1, UNLOCKED_AT)


@pytest.mark.parametrize(("player", "public_id"), [("nobody", "1"), (PLAYER, "2")])
async def test_badge_that_nobody_earned_is_not_found(pool, published, player, public_id):
    progress = ProgressReader(pool)
    for use_case in (revoke_credential, restore_credential):
        with pytest.raises(NotFound):
            await use_case(pool, progress, published, player=player, public_id=public_id)


async def test_revoking_sets_one_bit_and_restoring_clears_it(pool, published):
    await revoke(pool, published, OTHER)

    assert await revoke(pool, published)
    assert not await revoke(pool, published)
    assert await is_revoked(pool)

    assert await restore_credential(pool, ProgressReader(pool), published, player=PLAYER, public_id="1")
    assert not await restore_credential(pool, ProgressReader(pool), published, player=PLAYER, public_id="1")
    assert not await is_revoked(pool)
    assert await is_revoked(pool, OTHER)


async def test_erasing_a_player_keeps_the_bit_but_not_the_reason(pool, connection, published):
    """A later unlock by the same player has another bit."""
    await revoke(pool, published)
    async with pool.transaction() as lent:
        await player_data.erase(lent, PLAYER)

    assert await connection.fetchval("SELECT count(*) FROM revoked_badge") == 0
    assert await is_revoked(pool)
    assert not await is_revoked(pool, unlocked_at=UNLOCKED_AT + 1)


async def test_revoking_stores_nothing_about_a_player_who_is_erased_meanwhile(own_database):
    async with await open_pool(own_database, size=4) as pool:
        published = await publish_title(pool)
        await load_signing_keys(pool)
        async with pool.transaction() as connection:
            await player_data.erase(connection, PLAYER)
            revoking = asyncio.create_task(revoke(pool, published))
            async with pool.connection() as observer:
                while not await observer.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    assert not revoking.done(), "it must wait for the erasure"

        assert not await revoking
        async with pool.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM revoked_badge") == 0
        assert not await is_revoked(pool)


async def test_concurrent_rotations_keep_every_key_published(own_database):
    pools = [await open_pool(own_database, size=2) for _ in range(4)]
    try:
        before = (await load_signing_keys(pools[0])).thumbprint
        rotated = await asyncio.gather(*map(rotate_signing_key, pools))
        keys = await load_signing_keys(pools[0])
    finally:
        for pool in pools:
            await pool.close()

    assert all(keys.jwk("", thumbprint) for thumbprint in (before, *rotated))
    assert before != keys.thumbprint


async def test_concurrent_first_loads_create_one_set_of_keys(own_database):
    pools = [await open_pool(own_database, size=2) for _ in range(4)]
    try:
        loaded = await asyncio.gather(*(load_signing_keys(pool) for pool in pools))
    finally:
        for pool in pools:
            await pool.close()

    assert len({keys.thumbprint for keys in loaded}) == len({keys.secret for keys in loaded}) == 1


async def test_keys_are_parsed_once_and_withdrawn_keys_are_not_kept_in_memory(pool):
    keys = await load_signing_keys(pool)
    assert await load_signing_keys(pool) is keys

    withdrawn = weakref.ref(keys)
    del keys
    await rotate_signing_key(pool, withdraw=True)

    gc.collect()
    assert withdrawn() is None
