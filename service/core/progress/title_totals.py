"""What one player earned in one title: how many achievements, their points, and the time of the newest unlock. Pure."""

import msgspec

from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress


class TitleTotals(msgspec.Struct, frozen=True):
    """Totals over the published achievements that one player unlocked in one title.

    `last_unlocked_at` is in ticks, 0 if nothing is unlocked or the time is unknown. `gamerscore` is in points.
    """

    last_unlocked_at: int
    achievements: int
    gamerscore: int


_NOTHING = TitleTotals(0, 0, 0)


def title_totals(published: PublishedTitle, progress: TitleProgress | None, *, as_of: int | None = None) -> TitleTotals:
    """The totals of what is still published. `as_of` leaves out unlocks of later revisions."""
    if progress is None:
        return _NOTHING
    unlocked_at = progress.unlocked_at if as_of is None else progress.unlocked_by(as_of)
    last_unlocked_at = achievements = gamerscore = 0
    for stored_number, time in unlocked_at.items():
        position = published.positions.get(stored_number)
        if position is not None:
            achievements += 1
            gamerscore += published.achievements[position].gamerscore
            last_unlocked_at = max(last_unlocked_at, time)
    return TitleTotals(last_unlocked_at, achievements, gamerscore)
