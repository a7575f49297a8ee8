"""Find the achievement that a player unlocked, for a credential that says so."""

import msgspec

from service.core.catalog.model import Achievement, to_int4
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.errors import NotFound


class EarnedAchievement(msgspec.Struct, frozen=True):
    """An achievement that a player unlocked. `unlocked_at` is in ticks of 100 ns, UTC; 0 if the time is unknown."""

    player: str
    achievement: Achievement
    unlocked_at: int


def find_achievement(published: PublishedTitle, public_id: str) -> Achievement:
    """The active or archived achievement with that public id; an archived one stays a badge of those who earned it.

    Raises:
        NotFound: there is none, or it was never active.
    """
    for achievement in published.all_achievements.values():
        if achievement.public_id == public_id and achievement.status != "inactive":
            return achievement
    raise NotFound("the title has no such achievement")


async def find_earned(
    progress: ProgressReader, published: PublishedTitle, *, player: str, public_id: str
) -> EarnedAchievement:
    """The achievement with that public id, if the player unlocked it.

    Raises:
        NotFound: there is no such achievement, or the player has not unlocked it.
        Unavailable: the database is out of reach.
    """
    achievement = find_achievement(published, public_id)
    row = await progress.read_title(player, published.title_id)
    unlocked_at = None if row.progress is None else row.progress.unlocked_at.get(to_int4(achievement.number))
    if unlocked_at is None:
        raise NotFound("the player has not unlocked this achievement")
    return EarnedAchievement(player, achievement, unlocked_at)
