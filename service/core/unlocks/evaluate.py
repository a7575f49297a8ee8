"""Apply a change to a player's state: update measures, and unlock achievements. Pure: `now` is an argument."""

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
from service.errors import InvalidField, NotFound

MAX_TOTAL = Decimal(10) ** 18  # of a metric, either way
COMPLETE = Decimal(100)  # percent
NO_HISTORY: Mapping[HistoryQuery, HistoryResult] = {}


def evaluate_change(
    rules: Rules,
    state: PlayerState,
    change: Change,
    *,
    now: int,
    history: Mapping[HistoryQuery, HistoryResult] = NO_HISTORY,
) -> ChangeOutcome:
    """Apply a change to a state. `history` has the results of `rules.history_queries(…)`; no argument is modified.

    The order is: the profile, recomputed measure values, events one after the other, reports; then achievements that
    are unlocked by time or by the new profile.

    Raises:
        NotFound: the player is not in the title, with `must_exist`; or there is no achievement to report progress of.
        UnknownMetric: an event has an unknown or archived metric.
        InvalidField: an attribute is not declared, a total is out of range, or the progress of an achievement is
            reported that is measured by events.
    """
    return _Evaluation(rules, state, change, now, history).run()


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one event, before its total is known."""

    event: Event
    is_replay: bool = False
    unlocked: tuple[int, ...] = ()
    was_extended: bool = False


class _Evaluation:
    """The evaluation of one change: copies of the state that it modifies, and what must be written."""

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
        self.seen: dict[tuple[str, str], Event] = {}

    def run(self) -> ChangeOutcome:
        rules, change = self.rules, self.change
        if change.must_exist and not self.before.in_title:
            raise NotFound(f"there is no player {change.player} in this title")
        profile = self._update_profile()
        for key, value in change.recomputed.items():
            self._set_value(key, value)
        outcomes = [self._apply_event(index, event) for index, event in enumerate(change.events)]
        self._apply_reports()
        evaluate_all = change.suppress_notifications or profile is not None or not self.before.in_title
        self._unlock(rules.active if evaluate_all else rules.time_based, at=self.now, event=None)
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
            recorded=tuple(self._event_result(outcome, state) for outcome in outcomes),
        )

    def _state(self, revision: int) -> PlayerState:
        return PlayerState(
            revision=revision,
            incarnation=self.before.incarnation,
            exists=True,
            in_title=True,
            created_at=self.created_at,
            unlocked=self.unlocked,
            measure_values=self.measure_values,
            profile=self.profile,
        )

    def _update_profile(self) -> Profile | None:
        """The profile after the change, None if it stays the same."""
        members = dict(self.change.profile)
        new_attributes = members.pop("attributes", {})
        assert isinstance(new_attributes, Mapping)  # noqa: S101  (documented by Change)
        self.rules.check_attributes("user", new_attributes, field="user.attributes")
        attributes = {**self.profile.attributes, **new_attributes}
        members["attributes"] = {key: attributes[key] for key in sorted(attributes) if attributes[key] is not None}
        changed = msgspec.structs.replace(self.profile, **members)
        if changed == self.profile:
            return None
        self.profile = msgspec.structs.replace(changed, updated_at=self.now)
        return self.profile

    def _set_value(self, key: str, value: MeasureValue) -> None:
        self.measure_values[key] = value
        self.changed[key] = value

    def _apply_event(self, index: int, event: Event) -> _Outcome:
        self.rules.check_event(event)
        if event.key is not None:
            first = self.seen.setdefault((event.metric, event.key), event)
            if first is not event:
                return _Outcome(event=first, is_replay=True)
        at = event_time(event, self.now)
        event = msgspec.structs.replace(event, at=at)
        self.logged.append(event)
        matching = [
            measure for measure in self.rules.measures_by_metric[event.metric] if measures.matches(measure.where, event)
        ]
        updated = [self._update_sum(event), *[self._update_measure(measure, event, at) for measure in matching]]
        day = measures.local_day(at, self.profile.time_zone)
        was_extended = False
        for measure in self.rules.streaks[event.metric] if event.amount > 0 else ():
            old = self.measure_values.get(measure.key)
            is_longer = self._extend_streak(measure, day)
            was_extended |= is_longer and measure == STREAK
            updated.append((measure, old))
        delta, is_active = self.days.get((event.metric, day), (Decimal(0), False))
        self.days[event.metric, day] = delta + event.amount, is_active or event.amount > 0
        before = len(self.unlocks)
        for measure, old in updated:
            candidates = self.rules.reached_thresholds(measure, old, self.measure_values.get(measure.key))
            candidates += self.rules.multi_condition.get(measure.key, ())
            if candidates:
                self._unlock(candidates, at=at, event=index)
        unlocked = tuple(unlock.number for unlock in self.unlocks[before:])
        return _Outcome(event=event, unlocked=unlocked, was_extended=was_extended)

    def _update_sum(self, event: Event) -> tuple[Measure, MeasureValue | None]:
        measure = self.rules.sums[event.metric]
        key = measure.key
        old = self.measure_values.get(key)
        total = measures.add_to_sum(old, event.amount)
        if abs(Decimal(str(total))) > MAX_TOTAL:
            raise InvalidField("value", f"an amount that keeps the total within {MAX_TOTAL:.0e} either way")
        self._set_value(key, total)
        return measure, old

    def _update_measure(self, measure: Measure, event: Event, at: int) -> tuple[Measure, MeasureValue | None]:
        old = self.measure_values.get(measure.key)
        if measure.period_seconds is not None:
            new_entries = [
                LogEntry(earlier.at or 0, earlier.amount, earlier.attributes)
                for earlier in self.logged
                if earlier.metric == event.metric and measures.matches(measure.where, earlier)
            ]
            log = [entry for entry in self._log(measure) if measures.matches(measure.where, entry)]
            new: MeasureValue | None = measures.best_window(old, [*log, *new_entries], measure.period_seconds)
        else:
            limit = self.rules.max_target.get(measure.key, 0)
            member = event.attributes.get(measure.of or "")
            new = measures.advance(measure, old, event.amount, at, member, limit=limit)
        if new is not None and new != old:
            self._set_value(measure.key, new)
        return measure, old

    def _log(self, measure: Measure) -> list[LogEntry]:
        results = (result for query, result in self.history.items() if query.measure == measure)
        return [entry for result in results for entry in result if isinstance(entry, LogEntry)]

    def _extend_streak(self, measure: Measure, day: int) -> bool:
        """Add an active day, and return whether the current streak is longer or starts again."""
        old = self.measure_values.get(measure.key)
        active: set[int] = set()
        if measures.precedes_streak(old, day):
            for query, result in self.history.items():
                if query.measure is None and query.metric == measure.metric:
                    active.update(other for other in result if isinstance(other, int))
            active.update(
                other
                for (metric, other), (_, is_active) in self.days.items()
                if is_active and measure.metric in (None, metric)
            )
        new = measures.extend_streak(old, day, active)
        if new == old:
            return False
        self._set_value(measure.key, new)
        return not isinstance(old, list) or new[:2] != old[:2]

    def _apply_reports(self) -> None:
        for report in self.change.reports:
            achievement = self.rules.reportable(report.number)
            if achievement.status == "locked" or to_int4(report.number) in self.unlocked:
                continue
            key = manual_key(report.number)
            percent = min(report.percent, COMPLETE)
            old = measures.value_of("sum", self.measure_values.get(key))
            if old is None or percent > old:
                self._set_value(key, measures.decimal_text(percent))
            self._unlock([achievement], at=self.now, event=None)

    def _unlock(self, candidates: Sequence[Achievement], *, at: int, event: int | None) -> None:
        """Unlock the candidates that are earned, and those that depend on them, until nothing more is earned."""
        pending = list(candidates)
        while pending:
            new = []
            for achievement in pending:
                number = to_int4(achievement.number)
                if number not in self.unlocked and self._is_earned(achievement, at):
                    self.unlocked[number] = at
                    self.unlocks.append(Unlock(achievement.number, at, event))
                    new.append(number)
            pending = [dependent for number in new for dependent in self.rules.dependents.get(number, ())]
            pending += self.rules.dependents_of_any if new else []

    def _is_earned(self, achievement: Achievement, at: int) -> bool:
        window = achievement.window
        if achievement.status != "active" or (window is not None and not window.opens_at <= at < window.closes_at):
            return False
        attributes = self.profile.attributes
        if any(attributes.get(key) != value for key, value in achievement.user_filter):
            return False
        if achievement.is_reported:
            percent = measures.value_of("sum", self.measure_values.get(manual_key(achievement.number)))
            if percent is None or percent < COMPLETE:
                return False
        if not all(requirement.measure is None for requirement in achievement.requirements):
            state = self._state(0)
            return all(self._is_met(requirement, state, achievement.number) for requirement in achievement.requirements)
        return True

    def _is_met(self, requirement: Requirement, state: PlayerState, number: int) -> bool:
        if requirement.measure is None:
            return True  # reported in full
        value = self.rules.value(requirement, state, number=number, now=self.now)
        if value is None or (requirement.measure.aggregate == "age" and not state.profile.is_active):
            return False
        target = Decimal(requirement.target)
        return value <= target if requirement.operation == "Minimum" else value >= target

    def _event_result(self, outcome: _Outcome, state: PlayerState) -> EventResult:
        streak = self.rules.streak(state, now=self.now)
        return EventResult(
            event_id=outcome.event.event_id,
            total=self.rules.total(outcome.event.metric, state),
            is_replay=outcome.is_replay,
            unlocked=outcome.unlocked,
            streak=msgspec.structs.replace(streak, was_extended=outcome.was_extended and streak.length > 0),
        )
