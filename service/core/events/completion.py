"""Completing an achievement that the title itself reports, by its key, exactly once."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from service.core.auth.permissions import may_write_progress
from service.core.auth.principal import Principal
from service.core.catalog.model import Achievement, to_int4
from service.core.events.writer import Writer
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change, PlayerState, ProgressReport
from service.errors import InvalidField, NotFound

_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562's for names with a structure
_ALL = Decimal(100)  # percent


class Completion(msgspec.Struct, frozen=True):
    """A completed achievement of a release, and the player's state after it.

    `completion_id` is the same for every repetition.
    """

    completion_id: uuid.UUID
    published: PublishedTitle
    achievement: Achievement
    state: PlayerState


async def complete(
    writer: Writer,
    principal: Principal,
    published: PublishedTitle,
    *,
    player: str,
    key: str,
    profile: Mapping[str, object],
) -> Completion:
    """Complete an achievement for a player, with changes of the profile. A repetition changes nothing.

    Raises:
        PermissionDenied: the caller may not write this player's progress.
        NotFound: no active achievement has this key or public id.
        InvalidField: the achievement is measured, or the player cannot unlock it now.
        Unavailable: the database is out of reach.
    """
    may_write_progress(principal, player, title=published.title)
    achievement = _find(published.all_achievements.values(), key)
    if not achievement.is_fully_reported:
        raise InvalidField("key", "an achievement that the title itself reports: this one is measured by events")
    report = ProgressReport(achievement.number, _ALL)
    title_id = published.title.title_id
    written = await writer.write(Change(player=player, title_id=title_id, profile=profile, reports=(report,)))
    if to_int4(achievement.number) not in written.state.unlocked:
        raise InvalidField("key", "an achievement that the player can complete now")
    completion_id = uuid.uuid5(_NAMESPACE, f"{title_id}/{achievement.number}/{player}")
    completed = written.published.all_achievements[achievement.number]
    return Completion(completion_id, written.published, completed, written.state)


def _find(achievements: Iterable[Achievement], key: str) -> Achievement:
    for achievement in achievements:
        if key in (achievement.key, achievement.public_id) and achievement.status == "active":
            return achievement
    raise NotFound("Achievement not found")
