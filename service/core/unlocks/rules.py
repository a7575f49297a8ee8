"""What is counted, and what waits for it: the rules of one release of one title. Pure: `now` is an argument.

The rules are put in tables once: which measures an event of a metric moves, which achievements wait for a measure,
which for other achievements. So an event looks at nothing that it cannot change (`applying.py`).
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
from service.errors import InvalidField

MAX_LOOK_BACK_DAYS = 400  # days: how far a late day is joined to the days before it
_WHOLE = Decimal(100)  # percent
STREAK = Measure(aggregate="streak")


class Rules:
    """The rules of one release of one title. Never changes.

    Every metric's sum and the streak over all metrics are always kept; other measures while an active achievement
    asks for them. Tables by metric: `moved` and `streaks`, the measures that its events move. By measure: `steps`,
    the achievements that ask for it and nothing else, by their targets, `waiting`, all others that ask for it, and
    `most`, the largest target. By stored number: `after`, the achievements that
    ask for that one; `after_any` ask for any, `aged` for time to pass.
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
        asked: dict[str, Measure] = {}
        for achievement in self.active:
            for requirement in achievement.requirements:
                if requirement.measure is not None:
                    self._expect(achievement, requirement, requirement.measure)
                    asked[requirement.measure.key] = requirement.measure
        self.measures_by_metric: dict[str, list[Measure]] = {key: [] for key in self.metrics}
        self.streaks: dict[str, list[Measure]] = {key: [STREAK] for key in self.metrics}
        for measure in asked.values():
            metric = measure.metric or ""
            if measure.aggregate == "streak" and metric in self.streaks:
                self.streaks[metric].append(measure)
            elif metric in self.measures_by_metric and measure != Measure(aggregate="sum", metric=metric):
                self.measures_by_metric[metric].append(measure)

    def _expect(self, achievement: Achievement, requirement: Requirement, measure: Measure) -> None:
        match measure.aggregate:
            case "age":
                self.time_based.append(achievement)
            case "unlocks" if measure.achievements:
                for public_id in measure.achievements:
                    self.dependents.setdefault(self._numbers.get(public_id, 0), []).append(achievement)
            case "unlocks":
                self.dependents_of_any.append(achievement)
            case _:
                if _is_step(achievement):
                    self.thresholds.setdefault(measure.key, []).append((Decimal(requirement.target), achievement))
                    self.thresholds[measure.key].sort(key=_target)
                else:
                    self.multi_condition.setdefault(measure.key, []).append(achievement)
                most = -int(-Decimal(requirement.target) // 1)
                self.max_target[measure.key] = max(most, self.max_target.get(measure.key, 0))

    def reached_thresholds(
        self, measure: Measure, old: MeasureValue | None, new: MeasureValue | None
    ) -> list[Achievement]:
        """The achievements that this measure alone decides, and whose targets lie between two of its standings."""
        steps = self.thresholds.get(measure.key)
        if steps is None or new is None:
            return []
        reached = measures.value_of(measure.aggregate, new) or Decimal(0)
        before = measures.value_of(measure.aggregate, old)
        first = 0 if before is None else bisect.bisect_right(steps, before, key=_target)
        return [one for _, one in steps[first : bisect.bisect_right(steps, reached, key=_target)]]

    def total(self, metric: str, state: PlayerState) -> Decimal:
        """What the metric adds up to."""
        return measures.value_of("sum", state.measure_values.get(f"sum:{metric}")) or Decimal(0)

    def streak(self, state: PlayerState, *, now: int) -> Streak:
        """The player's days in a row, over all metrics, as of the player's today."""
        return _streak(state.measure_values.get(STREAK.key), measures.local_day(now, state.profile.time_zone))

    def value(self, requirement: Requirement, state: PlayerState, *, number: int, now: int) -> Decimal | None:
        """How far along one requirement of an achievement is; None where nothing is known of it."""
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
        """What only the log knows and this change depends on: nothing, in the common case."""
        found: list[HistoryQuery] = []
        for metric in {event.metric for event in change.events} & self.measures_by_metric.keys():
            events = [event for event in change.events if event.metric == metric]
            for measure in self.measures_by_metric[metric]:
                ats = [event_time(event, now) for event in events if measures.matches(measure.where, event)]
                if measure.period_seconds is not None and ats:
                    period = measure.period_seconds * ticks.SECOND
                    found.append(HistoryQuery(since=min(ats) - period, until=max(ats) + period, measure=measure))
        for measure in {streak for event in change.events for streak in self.streaks.get(event.metric, ())}:
            standing, late = state.measure_values.get(measure.key), list[int]()
            for event in change.events:
                if event.amount > 0 and measure.metric in (None, event.metric):
                    day = measures.local_day(event_time(event, now), state.profile.time_zone)
                    if measures.precedes_streak(standing, day):
                        late.append(day)
                    standing = measures.extend_streak(standing, day, ())
            if late and isinstance(standing, list):
                since = min(late) - MAX_LOOK_BACK_DAYS
                found.append(HistoryQuery(since=since, until=int(standing[1]), metric=measure.metric))
        return tuple(found)

    def measures_to_recompute(self, numbers: Collection[int]) -> tuple[Measure, ...]:
        """The measures of these achievements whose standing only the log can give to those who came before them."""
        asked = {
            requirement.measure.key: requirement.measure
            for number in numbers
            if number in self.by_number
            for requirement in self.by_number[number].requirements
            if requirement.measure is not None and requirement.measure.aggregate not in ("age", "unlocks")
        }
        return tuple(m for m in asked.values() if m != Measure(aggregate="sum", metric=m.metric) and m != STREAK)

    def recompute(self, measure: Measure, log: Sequence[LogEntry], *, state: PlayerState) -> MeasureValue | None:
        """The standing of a measure from all events of its metric, in order of time; None where none counts."""
        if measure.aggregate != "streak":
            return measures.recompute(measure, log, most=self.max_target.get(measure.key, 0))
        standing: MeasureValue | None = None
        days = {measures.local_day(event.at, state.profile.time_zone) for event in log if event.amount > 0}
        for day in sorted(days):
            standing = measures.extend_streak(standing, day, ())
        return standing

    def check_attributes(self, kind: str, keys: Iterable[str], *, field: str) -> None:
        """Let only declared attributes pass.

        Raises:
            InvalidField: one is not. (The message begins with Trophy's own words.)
        """
        unknown = sorted(set(keys) - self._attributes[kind])
        if unknown:
            raise InvalidAttributes(field, unknown, sorted(self._attributes[kind]))


class InvalidAttributes(InvalidField):
    """Attributes that the title has not declared."""

    def __init__(self, field: str, unknown: Sequence[str], known: Sequence[str]) -> None:
        expected = ", ".join(known) or "none, as none are set up"
        Exception.__init__(
            self,
            f"Invalid attribute keys: {', '.join(key[:64] for key in unknown[:8])}. "
            f"Please ensure all attribute keys match those set up; {field} may have {expected}",
        )
        self.field = field


def _is_step(achievement: Achievement) -> bool:
    """Whether one count decides, and nothing else: then it need be looked at only when the count passes its target."""
    only = achievement.requirements[0]
    is_alone = len(achievement.requirements) == 1 and achievement.window is None and not achievement.user_filter
    return is_alone and only.operation != "Minimum"


def _target(step: tuple[Decimal, Achievement]) -> Decimal:
    return step[0]


def event_time(event: Event, now: int) -> int:
    """When an event happened, in ticks: never later than now."""
    return now if event.at is None else min(event.at, now)


def _streak(standing: MeasureValue | None, today: int) -> Streak:
    if not isinstance(standing, list):
        return Streak(length=0, last_day=None)
    length, last = int(standing[0]), int(standing[1])
    return Streak(length=length if last >= today - 1 else 0, last_day=datetime.date.fromordinal(last))
