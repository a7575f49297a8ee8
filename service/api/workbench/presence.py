"""Who has a string open in the workbench, as far as this process knows: a hint for people, which no rule relies on."""

from collections import OrderedDict

import msgspec

REMEMBERED_SECONDS = 900
_MAX_STRINGS = 10_000


class Visit(msgspec.Struct, frozen=True):
    """Somebody who opened a string at `at`, in seconds of the caller's clock."""

    name: str
    at: float


class Presence:
    """The last visits of the last two people to each string; strings that were opened long ago are dropped."""

    def __init__(self) -> None:
        self._visits: OrderedDict[tuple[int, str, str], dict[str, float]] = OrderedDict()

    def open(self, title_id: int, key: str, locale: str, *, name: str, now: float) -> Visit | None:
        """Record that somebody opens a string; return the last visit of somebody else, None if there was none lately."""
        string = title_id, key, locale
        oldest = now - REMEMBERED_SECONDS
        visits = {other: at for other, at in self._visits.pop(string, {}).items() if at > oldest and other != name}
        other = max(visits, key=visits.__getitem__, default=None)
        self._visits[string] = {name: now} if other is None else {other: visits[other], name: now}
        if len(self._visits) > _MAX_STRINGS:
            self._visits.popitem(last=False)
        return None if other is None else Visit(other, visits[other])
