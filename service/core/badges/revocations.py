"""Revoke and restore the badges of players, and list the bits that this sets in the status lists."""

import msgspec

from service.control_characters import LINE_EXPECTED, is_line
from service.core.badges.credential import status_position
from service.core.badges.earned import find_earned
from service.core.badges.signing_keys import load_signing_keys
from service.core.badges.status_list import MAX_STATUS_LISTS
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import InvalidField, NotFound

_REASON_CHARACTERS = 500


async def revoke_credential(
    pool: Pool,
    progress: ProgressReader,
    published: PublishedTitle,
    *,
    player: str,
    public_id: str,
    reason: str | None = None,
) -> bool:
    """Revoke the player's badge in every language; False if it is revoked already.

    The player keeps the unlock, so the player's revision does not change.

    Raises:
        InvalidField: the reason is no short line.
        NotFound: there is no such achievement, or the player has not unlocked it.
        Unavailable: the database is out of reach.
    """
    if reason is not None and (len(reason) > _REASON_CHARACTERS or not is_line(reason)):
        raise InvalidField("reason", f"at most {_REASON_CHARACTERS} characters {LINE_EXPECTED}", reason)
    title_id = published.title_id
    earned = await find_earned(progress, published, player=player, public_id=public_id)
    keys = await load_signing_keys(pool)
    position = status_position(title_id, earned, secret=keys.secret)
    async with pool.transaction() as connection:
        revoked = await _revoke.run(
            connection,
            player=player,
            title_id=title_id,
            number=earned.achievement.number,
            list=position.list,
            position=position.index,
            reason=reason,
        )
        if revoked:
            await _set_bit.run(connection, title_id=title_id, list=position.list, position=position.index)
    return revoked > 0


async def restore_credential(
    pool: Pool, progress: ProgressReader, published: PublishedTitle, *, player: str, public_id: str
) -> bool:
    """Make a revoked badge of the player valid again; False if it is not revoked.

    Raises:
        NotFound: there is no such achievement, or the player has not unlocked it.
        Unavailable: the database is out of reach.
    """
    title_id = published.title_id
    earned = await find_earned(progress, published, player=player, public_id=public_id)
    async with pool.transaction() as connection:
        bit = await _restore.first(connection, player=player, title_id=title_id, number=earned.achievement.number)
        if bit is not None:
            await _clear_bit.run(connection, title_id=title_id, list=bit.list, position=bit.position)
    return bit is not None


async def revoked_positions(pool: Pool, *, title_id: int, number: int) -> list[int]:
    """The indexes of the bits that are set in one of a title's status lists.

    Raises:
        NotFound: the title has no list of that number.
        Unavailable: the database is out of reach.
    """
    if number >= MAX_STATUS_LISTS:
        raise NotFound("the title has no such status list")
    async with pool.connection() as connection:
        return [row.position for row in await _set_bits.all(connection, title_id=title_id, list=number)]


class _BitRow(msgspec.Struct, frozen=True):
    list: int
    position: int


class _PositionRow(msgspec.Struct, frozen=True):
    position: int


_revoke = statement("badges.revoke")
_set_bit = statement("badges.set_bit")
_restore = query("badges.restore", row=_BitRow)
_clear_bit = statement("badges.clear_bit")
_set_bits = query("badges.set_bits", row=_PositionRow)
