"""What a change makes of what a player has, and what it unlocks. Pure: `now` is an argument."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from service.core.catalog.model import Achievement, Measure, Requirement, to_int4
from service.core.unlocks import measures
from service.core.unlocks.model import (
    Change,
    ChangeOutcome,
    DailyDelta,
    Event,
    EventResult,
    HistoryQuery,
    HistoryResult,
    LogEntry,
    MeasureValue,
    PlayerState,
    Profile,
    Unlock,
    manual_key,
)
from service.core.unlocks.rules import STREAK, Rules, event_time
from service.errors import InvalidField, NotFound, UnknownMetric

LARGEST_TOTAL = Decimal(10) ** 18
WHOLE = Decimal(100)  # percent
NO_HISTORY: Mapping[HistoryQuery, HistoryResult] = {}


def evaluate_change(
    rules: Rules,
    state: PlayerState,
    change: Change,
    *,
    now: int,
    history: Mapping[HistoryQuery, HistoryResult] = NO_HISTORY,
) -> ChangeOutcome:
    """What the change makes of the state. `history` answers `rules.history_queries(…)`; no argument is altered.

    The order: the profile, standings counted anew, events one after the other, reports; then whatever has been
    earned by time or by being there.

    Raises:
        NotFound: `must_exist`, and the player is not in the title; or a report on what is not there.
        UnknownMetric: an event of a metric that is not counted, or no more.
        InvalidField: an attribute that is not declared, a total out of range, a report on what events count.
    """
    return _Evaluation(rules, state, change, now, history).applied()


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event, before its total is known."""

    event: Event
    is_replay: bool = False
    unlocked: tuple[int, ...] = ()
    was_extended: bool = False


class _Evaluation:
    """One change being worked out: copies of what it may alter, and what is to be written."""

    def __init__(
        self, rules: Rules, state: PlayerState, change: Change, now: int, history: Mapping[HistoryQuery, HistoryResult]
    ) -> None:
        self.rules, self.before, self.change, self.now, self.history = rules, state, change, now, history
        self.measure_values = dict(state.measure_values)
        self.unlocked = dict(state.unlocked)
        self.profile = state.profile
        self.created_at = state.created_at or (0 if state.in_title else now)
        self.changed: dict[str, MeasureValue] = {}
        self.unlocks: list[Unlock] = []
        self.days: dict[tuple[str, int], tuple[Decimal, bool]] = {}
        self.logged: list[Event] = []
        self.told: dict[tuple[str, str], Event] = {}

    def applied(self) -> ChangeOutcome:
        rules, change = self.rules, self.change
        if change.must_exist and not self.before.in_title:
            raise NotFound(f"there is no player {change.player} in this title")
        profile = self._profile()
        for key, standing in change.recomputed.items():
            self._put(key, standing)
        outcomes = [self._event(index, event) for index, event in enumerate(change.events)]
        self._reports()
        everyone = change.suppress_notifications or profile is not None or not self.before.in_title
        self._unlock(rules.active if everyone else rules.time_based, at=self.now, event=None)
        is_change = bool(self.changed or profile or self.unlocks or self.logged or not self.before.in_title)
        state = self._state(self.before.revision + is_change)
        return ChangeOutcome(
            state=state,
            is_change=is_change,
            measure_values=self.changed,
            profile=profile,
            unlocked=tuple(self.unlocks),
            days=tuple(
                DailyDelta(metric, datetime.date.fromordinal(day), amount, is_active)
                for (metric, day), (amount, is_active) in self.days.items()
            ),
            logged=tuple(self.logged),
            recorded=tuple(self._recorded(outcome, state) for outcome in outcomes),
        )

    def _state(self, revision: int) -> PlayerState:
        return PlayerState(
            revision=revision,
            exists=True,
            in_title=True,
            created_at=self.created_at,
            unlocked=self.unlocked,
            measure_values=self.measure_values,
            profile=self.profile,
        )

    def _profile(self) -> Profile | None:
        """The profile with what the change says of it; None if that is what it is."""
        said = dict(self.change.profile)
        given = said.pop("attributes", {})
        assert isinstance(given, Mapping)  # noqa: S101  (Change says so)
        self.rules.check_attributes("user", given, field="user.attributes")
        attributes = {**self.profile.attributes, **given}
        said["attributes"] = {key: attributes[key] for key in sorted(attributes) if attributes[key] is not None}
        changed = msgspec.structs.replace(self.profile, **said)
        if changed == self.profile:
            return None
        self.profile = msgspec.structs.replace(changed, updated_at=self.now)
        return self.profile

    def _put(self, key: str, standing: MeasureValue) -> None:
        self.measure_values[key] = standing
        self.changed[key] = standing

    def _event(self, index: int, event: Event) -> _Outcome:
        self._allow(event)
        if event.key is not None:
            first = self.told.setdefault((event.metric, event.key), event)
            if first is not event:
                return _Outcome(event=first, is_replay=True)
        at = event_time(event, self.now)
        event = msgspec.structs.replace(event, at=at)
        self.logged.append(event)
        counted = [
            measure for measure in self.rules.measures_by_metric[event.metric] if measures.matches(measure.where, event)
        ]
        touched = [self._sum(event), *[self._move(measure, event, at) for measure in counted]]
        day = measures.local_day(at, self.profile.time_zone)
        was_extended = False
        for measure in self.rules.streaks[event.metric] if event.amount > 0 else ():
            old = self.measure_values.get(measure.key)
            is_longer = self._extend(measure, day)
            was_extended |= is_longer and measure == STREAK
            touched.append((measure, old))
        change, is_active = self.days.get((event.metric, day), (Decimal(0), False))
        self.days[event.metric, day] = change + event.amount, is_active or event.amount > 0
        before = len(self.unlocks)
        for measure, old in touched:
            candidates = self.rules.reached_thresholds(measure, old, self.measure_values.get(measure.key))
            candidates += self.rules.multi_condition.get(measure.key, ())
            if candidates:
                self._unlock(candidates, at=at, event=index)
        unlocked = tuple(unlock.number for unlock in self.unlocks[before:])
        return _Outcome(event=event, unlocked=unlocked, was_extended=was_extended)

    def _allow(self, event: Event) -> None:
        metric = self.rules.metrics.get(event.metric)
        if metric is None:
            raise UnknownMetric("Metric not found")
        if metric.status == "archived":
            raise UnknownMetric("Metric not found: it is archived")
        if event.attributes:
            self.rules.check_attributes("event", event.attributes, field="attributes")

    def _sum(self, event: Event) -> tuple[Measure, MeasureValue | None]:
        measure = self.rules.sums[event.metric]
        key = measure.key
        old = self.measure_values.get(key)
        standing = measures.add_to_sum(old, event.amount)
        if abs(Decimal(str(standing))) > LARGEST_TOTAL:
            raise InvalidField("value", f"an amount that keeps the total within {LARGEST_TOTAL:.0e} either way")
        self._put(key, standing)
        return measure, old

    def _move(self, measure: Measure, event: Event, at: int) -> tuple[Measure, MeasureValue | None]:
        old = self.measure_values.get(measure.key)
        if measure.period_seconds is not None:
            mine = [
                LogEntry(earlier.at or 0, earlier.amount, earlier.attributes)
                for earlier in self.logged
                if earlier.metric == event.metric and measures.matches(measure.where, earlier)
            ]
            log = [logged for logged in self._log(measure) if measures.matches(measure.where, logged)]
            new: MeasureValue | None = measures.best_window(old, [*log, *mine], measure.period_seconds)
        else:
            most = self.rules.max_target.get(measure.key, 0)
            member = event.attributes.get(measure.of or "")
            new = measures.advance(measure, old, event.amount, at, member, most=most)
        if new is not None and new != old:
            self._put(measure.key, new)
        return measure, old

    def _log(self, measure: Measure) -> list[LogEntry]:
        answers = (answer for question, answer in self.history.items() if question.measure == measure)
        return [logged for answer in answers for logged in answer if isinstance(logged, LogEntry)]

    def _extend(self, measure: Measure, day: int) -> bool:
        """Make a day active; gives whether the current row is longer for it."""
        old = self.measure_values.get(measure.key)
        active: set[int] = set()
        if measures.precedes_streak(old, day):
            for question, answer in self.history.items():
                if question.measure is None and question.metric == measure.metric:
                    active.update(known for known in answer if isinstance(known, int))
            active.update(
                known
                for (metric, known), (_, is_active) in self.days.items()
                if is_active and measure.metric in (None, metric)
            )
        new = measures.extend_streak(old, day, active)
        if new == old:
            return False
        self._put(measure.key, new)
        return not isinstance(old, list) or new[:2] != old[:2]

    def _reports(self) -> None:
        for report in self.change.reports:
            achievement = self.rules.by_number.get(report.number)
            if achievement is None or achievement.status in ("inactive", "archived"):
                raise NotFound(f"there is no achievement {report.number} in this title")
            if not achievement.is_manual:
                raise InvalidField("achievements", f"no report on achievement {report.number}: its events are counted")
            if achievement.status == "locked" or to_int4(report.number) in self.unlocked:
                continue
            key = manual_key(report.number)
            percent = min(report.percent, WHOLE)
            old = measures.value_of("sum", self.measure_values.get(key))
            if old is None or percent > old:
                self._put(key, measures.decimal_text(percent))
            self._unlock([achievement], at=self.now, event=None)

    def _unlock(self, candidates: Sequence[Achievement], *, at: int, event: int | None) -> None:
        """Give those that are earned, and those that are earned by them, until nothing more is."""
        wave = list(candidates)
        while wave:
            won = []
            for achievement in wave:
                number = to_int4(achievement.number)
                if number not in self.unlocked and self._is_earned(achievement, at):
                    self.unlocked[number] = at
                    self.unlocks.append(Unlock(achievement.number, at, event))
                    won.append(number)
            wave = [after for number in won for after in self.rules.dependents.get(number, ())]
            wave += self.rules.dependents_of_any if won else []

    def _is_earned(self, achievement: Achievement, at: int) -> bool:
        window = achievement.window
        if achievement.status != "active" or (window is not None and not window.opens_at <= at < window.closes_at):
            return False
        attributes = self.profile.attributes
        if any(attributes.get(key) != value for key, value in achievement.user_filter):
            return False
        if achievement.is_manual:
            percent = measures.value_of("sum", self.measure_values.get(manual_key(achievement.number)))
            if percent is None or percent < WHOLE:
                return False
        if not all(requirement.measure is None for requirement in achievement.requirements):
            state = self._state(0)
            return all(self._is_met(requirement, state, achievement.number) for requirement in achievement.requirements)
        return True

    def _is_met(self, requirement: Requirement, state: PlayerState, number: int) -> bool:
        if requirement.measure is None:
            return True  # reported whole
        value = self.rules.value(requirement, state, number=number, now=self.now)
        if value is None or (requirement.measure.aggregate == "age" and not state.profile.is_active):
            return False
        target = Decimal(requirement.target)
        return value <= target if requirement.operation == "Minimum" else value >= target

    def _recorded(self, outcome: _Outcome, state: PlayerState) -> EventResult:
        streak = self.rules.streak(state, now=self.now)
        return EventResult(
            event_id=outcome.event.event_id,
            total=self.rules.total(outcome.event.metric, state),
            is_replay=outcome.is_replay,
            unlocked=outcome.unlocked,
            streak=msgspec.structs.replace(streak, was_extended=outcome.was_extended and streak.length > 0),
        )
