"""The rules of one release of one title as lookup tables, so that an event evaluates only what it can change. Pure.

The tables say which measures an event of a metric updates, and which achievements depend on a measure or on other
achievements. `evaluate` uses them; `now` is an argument.
"""

import bisect
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from service import ticks
from service.core.catalog.model import Achievement, Measure, Metric, Requirement, Title, to_int4
from service.core.unlocks import measures
from service.core.unlocks.model import (
    Change,
    Event,
    HistoryQuery,
    LogEntry,
    MeasureValue,
    PlayerState,
    Streak,
    manual_key,
)
from service.errors import InvalidField, NotFound, UnknownMetric

MAX_LOOK_BACK_DAYS = 400  # how many days before a late event are read to extend a streak
_WHOLE = Decimal(100)  # percent
STREAK = Measure(aggregate="streak")


class Rules:
    """The rules of one release of one title. Immutable.

    Every metric's sum and the streak over all metrics are always updated; other measures only if an active achievement
    requires them.

    | table | by | holds |
    |---|---|---|
    | `measures_by_metric`, `streaks` | metric | the measures that its events update |
    | `thresholds` | measure | achievements that require only this measure, ordered by target |
    | `multi_condition` | measure | all other achievements that require it |
    | `max_target` | measure | the largest target |
    | `dependents` | int4 number | achievements that require this one |
    | `dependents_of_any` | | achievements that require a number of any others |
    | `time_based` | | achievements that require age |
    """

    def __init__(self, title: Title, achievements: Sequence[Achievement]) -> None:
        self.metrics: Mapping[str, Metric] = {metric.key: metric for metric in title.metrics}
        self._attributes = {
            kind: frozenset(attribute.key for attribute in title.attributes if attribute.kind == kind)
            for kind in ("user", "event")
        }
        self.by_number = {achievement.number: achievement for achievement in achievements}
        self._numbers = {achievement.public_id: to_int4(achievement.number) for achievement in achievements}
        self.active = [achievement for achievement in achievements if achievement.status == "active"]
        self.multi_condition: dict[str, list[Achievement]] = {}
        self.thresholds: dict[str, list[tuple[Decimal, Achievement]]] = {}
        self.sums = {key: Measure(aggregate="sum", metric=key) for key in self.metrics}
        self.time_based: list[Achievement] = []
        self.dependents: dict[int, list[Achievement]] = {}
        self.dependents_of_any: list[Achievement] = []
        self.max_target: dict[str, int] = {}
        required: dict[str, Measure] = {}
        for achievement in self.active:
            for requirement in achievement.requirements:
                if requirement.measure is not None:
                    self._register(achievement, requirement, requirement.measure)
                    required[requirement.measure.key] = requirement.measure
        self.measures_by_metric: dict[str, list[Measure]] = {key: [] for key in self.metrics}
        self.streaks: dict[str, list[Measure]] = {key: [STREAK] for key in self.metrics}
        for measure in required.values():
            metric = measure.metric or ""
            if measure.aggregate == "streak" and metric in self.streaks:
                self.streaks[metric].append(measure)
            elif metric in self.measures_by_metric and measure != Measure(aggregate="sum", metric=metric):
                self.measures_by_metric[metric].append(measure)

    def _register(self, achievement: Achievement, requirement: Requirement, measure: Measure) -> None:
        match measure.aggregate:
            case "age":
                self.time_based.append(achievement)
            case "unlocks" if measure.achievements:
                for public_id in measure.achievements:
                    self.dependents.setdefault(self._numbers.get(public_id, 0), []).append(achievement)
            case "unlocks":
                self.dependents_of_any.append(achievement)
            case _:
                if _has_one_threshold(achievement):
                    self.thresholds.setdefault(measure.key, []).append((Decimal(requirement.target), achievement))
                    self.thresholds[measure.key].sort(key=_target)
                else:
                    self.multi_condition.setdefault(measure.key, []).append(achievement)
                target = -int(-Decimal(requirement.target) // 1)
                self.max_target[measure.key] = max(target, self.max_target.get(measure.key, 0))

    def reached_thresholds(
        self, measure: Measure, old: MeasureValue | None, new: MeasureValue | None
    ) -> list[Achievement]:
        """The achievements in `thresholds` whose targets are above the old value and not above the new one."""
        thresholds = self.thresholds.get(measure.key)
        if thresholds is None or new is None:
            return []
        reached = measures.value_of(measure.aggregate, new) or Decimal(0)
        before = measures.value_of(measure.aggregate, old)
        first = 0 if before is None else bisect.bisect_right(thresholds, before, key=_target)
        last = bisect.bisect_right(thresholds, reached, key=_target)
        return [achievement for _, achievement in thresholds[first:last]]

    def total(self, metric: str, state: PlayerState) -> Decimal:
        """The sum of a metric's amounts."""
        return measures.value_of("sum", state.measure_values.get(f"sum:{metric}")) or Decimal(0)

    def streak(self, state: PlayerState, *, now: int) -> Streak:
        """The player's streak over all metrics, on the current day of the player's calendar."""
        return _streak(state.measure_values.get(STREAK.key), measures.local_day(now, state.profile.time_zone))

    def value(self, requirement: Requirement, state: PlayerState, *, number: int, now: int) -> Decimal | None:
        """The current value of a requirement of the achievement with this number; None if there is none."""
        measure = requirement.measure
        if measure is None:
            percent = measures.value_of("sum", state.measure_values.get(manual_key(number)))
            return None if percent is None else Decimal(requirement.target) * percent / _WHOLE
        match measure.aggregate:
            case "age":
                return Decimal((now - state.created_at) // ticks.SECOND) if state.created_at else None
            case "unlocks":
                held = set(state.unlocked)
                if measure.achievements:
                    held &= {self._numbers.get(public_id, 0) for public_id in measure.achievements}
                return Decimal(len(held))
            case aggregate:
                return measures.value_of(aggregate, state.measure_values.get(measure.key))

    def history_queries(self, state: PlayerState, change: Change, *, now: int) -> tuple[HistoryQuery, ...]:
        """The queries of the log that this change needs: usually none."""
        queries: list[HistoryQuery] = []
        for metric in {event.metric for event in change.events} & self.measures_by_metric.keys():
            events = [event for event in change.events if event.metric == metric]
            for measure in self.measures_by_metric[metric]:
                times = [event_time(event, now) for event in events if measures.matches(measure.where, event)]
                if measure.period_seconds is not None and times:
                    period = measure.period_seconds * ticks.SECOND
                    queries.append(HistoryQuery(since=min(times) - period, until=max(times) + period, measure=measure))
        for measure in {streak for event in change.events for streak in self.streaks.get(event.metric, ())}:
            current, late_days = state.measure_values.get(measure.key), list[int]()
            for event in change.events:
                if event.amount > 0 and measure.metric in (None, event.metric):
                    day = measures.local_day(event_time(event, now), state.profile.time_zone)
                    if measures.precedes_streak(current, day):
                        late_days.append(day)
                    current = measures.extend_streak(current, day, ())
            if late_days and isinstance(current, list):
                since = min(late_days) - MAX_LOOK_BACK_DAYS
                queries.append(HistoryQuery(since=since, until=int(current[1]), metric=measure.metric))
        return tuple(queries)

    def measures_to_recompute(self, numbers: Collection[int]) -> tuple[Measure, ...]:
        """The measures of these new achievements that must be recomputed from the log for existing players."""
        required = {
            requirement.measure.key: requirement.measure
            for number in numbers
            if number in self.by_number
            for requirement in self.by_number[number].requirements
            if requirement.measure is not None and requirement.measure.aggregate not in ("age", "unlocks")
        }
        return tuple(
            measure
            for measure in required.values()
            if measure != Measure(aggregate="sum", metric=measure.metric) and measure != STREAK
        )

    def recompute(self, measure: Measure, log: Sequence[LogEntry], *, state: PlayerState) -> MeasureValue | None:
        """The value of a measure from all events of its metric, in order of time; None if none of them matches."""
        if measure.aggregate != "streak":
            return measures.recompute(measure, log, limit=self.max_target.get(measure.key, 0))
        current: MeasureValue | None = None
        days = {measures.local_day(event.at, state.profile.time_zone) for event in log if event.amount > 0}
        for day in sorted(days):
            current = measures.extend_streak(current, day, ())
        return current

    def reportable(self, number: int) -> Achievement:
        """The achievement with this number, whose progress the title itself reports.

        Raises:
            NotFound: there is none, or it is inactive or archived.
            InvalidField: its progress is measured by events.
        """
        achievement = self.by_number.get(number)
        if achievement is None or achievement.status in ("inactive", "archived"):
            raise NotFound(f"there is no achievement {number} in this title")
        if not achievement.is_reported:
            raise InvalidField("achievements", f"no report on achievement {number}: its events are counted")
        return achievement

    def metric(self, key: str) -> Metric:
        """The metric with this key.

        Raises:
            UnknownMetric: there is none.
        """
        metric = self.metrics.get(key)
        if metric is None:
            raise UnknownMetric("there is no such metric in this title")
        return metric

    def check_event(self, event: Event, *, field: str = "") -> None:
        """Check that the title counts an event's metric and declares its attributes; `field` is where the event is.

        Raises:
            UnknownMetric: the metric does not exist or is archived.
            InvalidAttributes: an attribute is not declared.
        """
        metric = self.metric(event.metric)
        if metric.status == "archived":
            raise UnknownMetric(f"the metric {event.metric} is archived", is_archived=True)
        if event.attributes:
            self.check_attributes("event", event.attributes, field=f"{field}attributes")

    def check_attributes(self, kind: str, keys: Iterable[str], *, field: str) -> None:
        """Check that the title declares all these attributes of a kind, "user" or "event".

        Raises:
            InvalidAttributes: it does not.
        """
        unknown = sorted(set(keys) - self._attributes[kind])
        if unknown:
            raise InvalidAttributes(field, unknown, sorted(self._attributes[kind]))


class InvalidAttributes(InvalidField):
    """Attributes that the title does not declare. `unknown` and `known` are their keys."""

    def __init__(self, field: str, unknown: Sequence[str], known: Sequence[str]) -> None:
        super().__init__(field, f"attributes of this title: {', '.join(known) or 'none'}", ", ".join(unknown))
        self.unknown, self.known = tuple(unknown), tuple(known)


def _has_one_threshold(achievement: Achievement) -> bool:
    """Whether an achievement depends on one measure alone, so that it is evaluated only when that passes the target."""
    only = achievement.requirements[0]
    is_alone = len(achievement.requirements) == 1 and achievement.window is None and not achievement.user_filter
    return is_alone and only.operation != "Minimum"


def _target(threshold: tuple[Decimal, Achievement]) -> Decimal:
    return threshold[0]


def event_time(event: Event, now: int) -> int:
    """The time of an event, in ticks, not later than now."""
    return now if event.at is None else min(event.at, now)


def _streak(current: MeasureValue | None, today: int) -> Streak:
    if not isinstance(current, list):
        return Streak(length=0, last_day=None)
    length, last = int(current[0]), int(current[1])
    return Streak(length=length if last >= today - 1 else 0, last_day=datetime.date.fromordinal(last))
