"""A badge as one player sees it: what each of its fields says."""

import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import babel
import msgspec

from service.api.graphql import criteria, php_dates
from service.api.graphql.badge_catalog import BadgeDefinition, MediaImage
from service.api.graphql.criteria import Criterion
from service.api.graphql.pagination import CursorPosition, SortKey
from service.core.unlocks.measures import local_day, zone_of
from service.core.unlocks.model import LogEntry, PlayerState

Status = Literal["EARNED", "NOT_EARNED"]

_LOCALES_KEPT = 256
_DAYS_KEPT = 16_384  # years of them in many languages, some 3 MB
_NEVER = 2**62  # ticks: sorts what is not earned behind everything that is


class _OfPath:
    """A criterion that names a learning path."""

    def __init__(self, criterion: Criterion) -> None:
        self.learning_path_id = criterion.learning_path


class _OfThreshold:
    """A criterion that counts up to a threshold."""

    def __init__(self, criterion: Criterion, badge: "Badge") -> None:
        self._badge = badge
        self.threshold = criterion.threshold
        self.period = criterion.period

    @property
    def current_threshold(self) -> int:
        """How far along the player is."""
        return self._badge.current()


class _Enroll(_OfPath):
    graphql_type: ClassVar = "BadgeEarningCriteriaLpEnroll"


class _Complete(_OfPath):
    graphql_type: ClassVar = "BadgeEarningCriteriaLpComplete"


class _Passed(_OfPath):
    graphql_type: ClassVar = "BadgeEarningCriteriaLpPassed"


class _Connection(_OfThreshold):
    graphql_type: ClassVar = "BadgeEarningCriteriaSocialConnection"


class _Engagement(_OfThreshold):
    graphql_type: ClassVar = "BadgeEarningCriteriaSocialEngagement"


class _Registered(_OfThreshold):
    graphql_type: ClassVar = "BadgeEarningCriteriaRegisteredFor"


_OF_PATH = {"enrolled": _Enroll, "completed": _Complete, "passed": _Passed}
_OF_THRESHOLD = {"connections": _Connection, "posts": _Engagement, "registered": _Registered}


class PlayerMeasures(msgspec.Struct, frozen=True):
    """What one player has in the title, as badges show it. `logs` are the events of criteria with a period, by key.

    `reached` is what counts by a measure, as far as it was asked for, by key.
    """

    state: PlayerState
    logs: Mapping[str, Sequence[LogEntry]]
    now: int
    reached: dict[str, int] = {}


class Badge:
    """One badge as one player sees it.

    `locales` collects the locales of texts that are only known once they are made: names of days and months.
    """

    __slots__ = ("_locales", "_standing", "emblem", "unlocked_at")

    def __init__(self, emblem: BadgeDefinition, standing: PlayerMeasures, locales: dict[str, None]) -> None:
        self.emblem = emblem
        self.unlocked_at = standing.state.unlocked.get(emblem.stored_number)
        self._standing = standing
        self._locales = locales

    @property
    def id(self) -> str:
        """Its public id."""
        return self.emblem.achievement.public_id

    @property
    def title(self) -> str:
        """What it is called, in the caller's language."""
        return self.emblem.title

    @property
    def picture(self) -> MediaImage:
        """Its first picture."""
        return self.emblem.picture

    @property
    def status(self) -> Status:
        """Whether the player has it."""
        return "NOT_EARNED" if self.unlocked_at is None else "EARNED"

    @property
    def earning_criteria(self) -> _OfPath | _OfThreshold:
        """How it is earned, and how far along the player is."""
        criterion = self.emblem.criterion
        of_path = _OF_PATH.get(criterion.kind)
        return _OF_THRESHOLD[criterion.kind](criterion, self) if of_path is None else of_path(criterion)

    @property
    def is_shown(self) -> bool:
        """Whether there is such a badge for this player: one that is earned no more is there for those who have it."""
        return self.emblem.achievement.status == "active" or self.unlocked_at is not None

    def current(self) -> int:
        """How far along the player is."""
        standing, criterion, key = self._standing, self.emblem.criterion, self.emblem.measure_key
        counted = standing.reached.get(key)
        if counted is None:
            counted = criteria.reached(criterion, standing.state, now=standing.now, log=standing.logs.get(key, ()))
            standing.reached[key] = counted
        return criteria.current(criterion, counted, is_earned=self.unlocked_at is not None)

    def earned(self, format_: str) -> str | None:
        """When it was earned, by the player's own calendar and in the badge's language; None if it was not."""
        if self.unlocked_at is None:
            return None
        if self.emblem.locale is not None and php_dates.has_names(format_):
            self._locales[self.emblem.locale] = None
        return _date(self.unlocked_at, format_, self._standing.state.profile.time_zone, self.emblem.locale or "en")

    def place(self, sort_key: SortKey) -> CursorPosition:
        """Where it stands in an order."""
        match sort_key:
            case "TITLE":
                return self.emblem.sort_title, self.emblem.number
            case "EARNED":
                return _NEVER if self.unlocked_at is None else self.unlocked_at, self.emblem.number
            case _:
                return self.emblem.number, self.emblem.number


class PageInfo(msgspec.Struct, frozen=True):
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge(msgspec.Struct, frozen=True):
    """A badge and its place."""

    cursor: str | None
    node: Badge


class Connection(msgspec.Struct, frozen=True):
    """A page of badges."""

    edges: Sequence[Edge]
    nodes: Sequence[Badge]
    page_info: PageInfo
    total_items: int


def _date(at: int, format_: str, time_zone: str | None, locale: str) -> str:
    if php_dates.is_of_day(format_):
        return _day(local_day(at, time_zone), format_, locale)
    moment = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=at // 10)
    zone = None if time_zone is None else zone_of(time_zone)
    return php_dates.format_date(moment if zone is None else moment.astimezone(zone), format_, locale=_babel(locale))


@functools.lru_cache(_DAYS_KEPT)
def _day(ordinal: int, format_: str, locale: str) -> str:
    noon = datetime.datetime.combine(datetime.date.fromordinal(ordinal), datetime.time(12), datetime.UTC)
    return php_dates.format_date(noon, format_, locale=_babel(locale))


@functools.lru_cache(_LOCALES_KEPT)
def _babel(locale: str) -> babel.Locale:
    return babel.Locale.parse(locale, sep="-")
