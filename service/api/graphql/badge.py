"""A badge as one player sees it: the values of its GraphQL fields."""

import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import babel
import msgspec

from service.api.graphql import criteria
from service.api.graphql.badge_catalog import BadgeDefinition, MediaImage
from service.api.graphql.criteria import Criterion
from service.api.graphql.pagination import CursorPosition, SortKey
from service.api.graphql.php_dates import parse_format
from service.core.unlocks.measures import local_day, zone_of
from service.core.unlocks.model import LogEntry, PlayerState

Status = Literal["EARNED", "NOT_EARNED"]

_CACHED_LOCALES = 256
_CACHED_DATES = 16_384  # years of days in many languages
_MAX_CACHED_FORMAT_CHARACTERS = 16  # which bounds the cache of dates to some 10 MB
_NEVER = 2**62  # ticks: orders badges that are not earned after all others


class _PathCriterion:
    """A criterion about a learning path."""

    def __init__(self, criterion: Criterion) -> None:
        self.learning_path_id = criterion.learning_path


class _ThresholdCriterion:
    """A criterion that is met at a threshold."""

    def __init__(self, criterion: Criterion, badge: "Badge") -> None:
        self._badge = badge
        self.threshold = criterion.threshold
        self.period = criterion.period

    @property
    def current_threshold(self) -> int:
        """What counts for the player, up to the threshold and beyond."""
        return self._badge.current_threshold()


class _LpEnroll(_PathCriterion):
    graphql_type: ClassVar = "BadgeEarningCriteriaLpEnroll"


class _LpComplete(_PathCriterion):
    graphql_type: ClassVar = "BadgeEarningCriteriaLpComplete"


class _LpPassed(_PathCriterion):
    graphql_type: ClassVar = "BadgeEarningCriteriaLpPassed"


class _SocialConnection(_ThresholdCriterion):
    graphql_type: ClassVar = "BadgeEarningCriteriaSocialConnection"


class _SocialEngagement(_ThresholdCriterion):
    graphql_type: ClassVar = "BadgeEarningCriteriaSocialEngagement"


class _RegisteredFor(_ThresholdCriterion):
    graphql_type: ClassVar = "BadgeEarningCriteriaRegisteredFor"


_PATH_CRITERIA = {"enrolled": _LpEnroll, "completed": _LpComplete, "passed": _LpPassed}
_THRESHOLD_CRITERIA = {
    "connections": _SocialConnection,
    "posts": _SocialEngagement,
    "registered": _RegisteredFor,
}


class PlayerMeasures(msgspec.Struct, frozen=True):
    """A player's progress in the title at `now`, in ticks. `logs` are the events of criteria with a period.

    `counted` caches what counts now; both are by the key of the measure.
    """

    state: PlayerState
    logs: Mapping[str, Sequence[LogEntry]]
    now: int
    counted: dict[str, int] = {}


class Badge:
    """One badge as one player sees it.

    `locales` collects the locales of texts that are known only once they are rendered: names of days and months.
    """

    __slots__ = ("_locales", "_measures", "definition", "unlocked_at")

    def __init__(self, definition: BadgeDefinition, measures: PlayerMeasures, locales: dict[str, None]) -> None:
        self.definition = definition
        self.unlocked_at = measures.state.unlocked.get(definition.stored_number)
        self._measures = measures
        self._locales = locales

    @property
    def id(self) -> str:
        """Its public id."""
        return self.definition.achievement.public_id

    @property
    def title(self) -> str:
        """Its title in the caller's language."""
        return self.definition.title

    @property
    def picture(self) -> MediaImage:
        """Its picture."""
        return self.definition.picture

    @property
    def status(self) -> Status:
        """Whether the player has earned it."""
        return "NOT_EARNED" if self.unlocked_at is None else "EARNED"

    @property
    def earning_criteria(self) -> _PathCriterion | _ThresholdCriterion:
        """How it is earned, and the player's progress."""
        criterion = self.definition.criterion
        if criterion.kind in _PATH_CRITERIA:
            return _PATH_CRITERIA[criterion.kind](criterion)
        return _THRESHOLD_CRITERIA[criterion.kind](criterion, self)

    @property
    def is_shown(self) -> bool:
        """Whether the player sees it: a badge that can no longer be earned is shown to those who have it."""
        return self.definition.achievement.is_visible(is_unlocked=self.unlocked_at is not None)

    def current_threshold(self) -> int:
        """What counts for the player now; at least the threshold once it is earned."""
        measures, criterion, key = self._measures, self.definition.criterion, self.definition.measure_key
        count = measures.counted.get(key)
        if count is None:
            count = criteria.count_now(criterion, measures.state, now=measures.now, log=measures.logs.get(key, ()))
            measures.counted[key] = count
        return criteria.current_threshold(criterion, count, is_earned=self.unlocked_at is not None)

    def earned(self, format_text: str) -> str | None:
        """When it was earned, in the player's time zone and the badge's language; None if it was not.

        Raises:
            InvalidParameter: the format is too long.
        """
        if self.unlocked_at is None:
            return None
        date_format, locale = parse_format(format_text), self.definition.locale
        time_zone = self._measures.state.profile.time_zone
        if locale is not None and date_format.has_names:
            self._locales[locale] = None
        if not date_format.is_date_only:
            return _format_moment(self.unlocked_at, format_text, time_zone, locale or "en")
        format_day = _cached_day if len(format_text) <= _MAX_CACHED_FORMAT_CHARACTERS else _format_day
        return format_day(local_day(self.unlocked_at, time_zone), format_text, locale or "en")

    def position(self, sort_key: SortKey) -> CursorPosition:
        """Its position in an order."""
        match sort_key:
            case "TITLE":
                return self.definition.sort_title, self.definition.number
            case "EARNED":
                return _NEVER if self.unlocked_at is None else self.unlocked_at, self.definition.number
            case _:
                return self.definition.number, self.definition.number


class PageInfo(msgspec.Struct, frozen=True):
    """Whether there are other pages, and the cursors of this one."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge(msgspec.Struct, frozen=True):
    """A badge and its cursor; the cursor is None if nobody requested it."""

    cursor: str | None
    node: Badge


class Connection(msgspec.Struct, frozen=True):
    """A page of badges."""

    edges: Sequence[Edge]
    nodes: Sequence[Badge]
    page_info: PageInfo
    total_items: int


def _format_moment(unlocked_at: int, format_text: str, time_zone: str | None, locale: str) -> str:
    moment = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=unlocked_at // 10)
    zone = None if time_zone is None else zone_of(time_zone)
    moment = moment if zone is None else moment.astimezone(zone)
    return parse_format(format_text).format(moment, _babel_locale(locale))


def _format_day(ordinal: int, format_text: str, locale: str) -> str:
    noon = datetime.datetime.combine(datetime.date.fromordinal(ordinal), datetime.time(12), datetime.UTC)
    return parse_format(format_text).format(noon, _babel_locale(locale))


_cached_day = functools.lru_cache(_CACHED_DATES)(_format_day)


@functools.lru_cache(_CACHED_LOCALES)
def _babel_locale(locale: str) -> babel.Locale:
    return babel.Locale.parse(locale, sep="-")
