"""Who has a string open, as far as this process knows: a courtesy, on which nothing depends."""

from collections import OrderedDict

import msgspec

REMEMBERED = 900  # seconds
_MOST = 10_000  # strings


class Visit(msgspec.Struct, frozen=True):
    """Somebody who opened a string, `at` seconds of whatever clock the caller has."""

    name: str
    at: float


class Presence:
    """The last visit of each of two people to each string, the oldest strings forgotten."""

    def __init__(self) -> None:
        self._visits: OrderedDict[tuple[int, str, str], dict[str, float]] = OrderedDict()

    def open(self, title_id: int, key: str, locale: str, *, name: str, now: float) -> Visit | None:
        """Note that somebody opened a string; gives who else did last, None if nobody did lately."""
        place = title_id, key, locale
        visits = {who: at for who, at in self._visits.pop(place, {}).items() if at > now - REMEMBERED and who != name}
        other = max(visits, key=visits.__getitem__, default=None)
        self._visits[place] = {name: now} if other is None else {other: visits[other], name: now}
        if len(self._visits) > _MOST:
            self._visits.popitem(last=False)
        return None if other is None else Visit(other, visits[other])
