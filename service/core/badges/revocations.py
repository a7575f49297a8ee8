"""What players hold as badges: found, revoked and restored, and which bits of the status lists that sets."""

import msgspec

from service.core.badges.credential import EarnedAchievement, StatusPosition, find_achievement
from service.core.catalog.model import Achievement, to_int4
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import NotFound


async def find_earned(
    reads: ProgressReader, published: PublishedTitle, *, player: str, public_id: str
) -> EarnedAchievement:
    """That this player unlocked the achievement of that public id.

    Raises:
        NotFound: there is no such achievement, or the player has not unlocked it.
        Unavailable: the database is out of reach.
    """
    achievement = find_achievement(published, public_id)
    found = await reads.read_title(player, published.title_id)
    unlocked_at = None if found.progress is None else found.progress.unlocked_at.get(to_int4(achievement.number))
    if unlocked_at is None:
        raise NotFound("the player has not unlocked this achievement")
    return EarnedAchievement(player, achievement, unlocked_at)


async def revoke(
    connection: Connection, of: EarnedAchievement, at: StatusPosition, *, title_id: int, reason: str | None = None
) -> bool:
    """Show the badge as revoked from now on; False if it is already. The connection must be in a transaction.

    The player keeps the unlock: no answer about the player changes by it, so neither does the player's revision.
    """
    changed = await _revoke.run(
        connection,
        player=of.player,
        title_id=title_id,
        number=of.achievement.number,
        list=at.list,
        position=at.index,
        reason=reason,
    )
    if changed:
        await _set_bit.run(connection, title_id=title_id, list=at.list, position=at.index)
    return changed > 0


async def restore(connection: Connection, *, player: str, title_id: int, achievement: Achievement) -> bool:
    """Show the badge as good again; False if it was not revoked. The connection must be in a transaction."""
    bit = await _restore.first(connection, player=player, title_id=title_id, number=achievement.number)
    if bit is not None:
        await _clear_bit.run(connection, title_id=title_id, list=bit.list, position=bit.position)
    return bit is not None


async def revoked_positions(pool: Pool, *, title_id: int, number: int) -> list[int]:
    """Which bits are set in one of a title's status lists.

    Raises:
        Unavailable: the database is out of reach.
    """
    async with pool.connection() as connection:
        return [row.position for row in await _bits.all(connection, title_id=title_id, list=number)]


class _BitRow(msgspec.Struct, frozen=True):
    list: int
    position: int


class _PositionRow(msgspec.Struct, frozen=True):
    position: int


_revoke = statement("badges.revoke")
_set_bit = statement("badges.set_bit")
_restore = query("badges.restore", row=_BitRow)
_clear_bit = statement("badges.clear_bit")
_bits = query("badges.bits", row=_PositionRow)
