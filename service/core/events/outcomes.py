"""Outcomes of changes: replayed events left out and put back, and several changes merged into one write. Pure."""

import datetime
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from service.core.unlocks.model import Change, ChangeOutcome, DailyDelta, EventResult, PlayerState
from service.core.unlocks.rules import Rules

FirstEvents = Mapping[tuple[str, str], uuid.UUID]
"""The first event under each metric and idempotency key."""

Replays = Mapping[int, uuid.UUID]
"""The first event of each replayed one, by the replayed one's position in its change."""


def without_replays(change: Change, seen: FirstEvents) -> tuple[Change, Replays]:
    """The change without the events that were recorded before, and which those are."""
    replays = {
        i: seen[event.metric, event.key]
        for i, event in enumerate(change.events)
        if event.key is not None and (event.metric, event.key) in seen
    }
    if not replays:
        return change, replays
    events = tuple(event for i, event in enumerate(change.events) if i not in replays)
    return msgspec.structs.replace(change, events=events), replays


def with_replays(
    outcome: ChangeOutcome, change: Change, replays: Replays, rules: Rules, *, now: int
) -> tuple[EventResult, ...]:
    """The results of all events of the change, replayed ones included. `now` is in ticks."""
    if not replays:
        return outcome.recorded
    recorded = iter(outcome.recorded)
    streak = rules.streak(outcome.state, now=now)
    return tuple(
        EventResult(event_id=replays[i], total=rules.total(event.metric, outcome.state), is_replay=True, streak=streak)
        if i in replays
        else next(recorded)
        for i, event in enumerate(change.events)
    )


def merge_outcomes(before: PlayerState, outcomes: Sequence[ChangeOutcome]) -> ChangeOutcome:
    """One outcome for changes that were evaluated one after the other; its revision is the next one."""
    state = msgspec.structs.replace(outcomes[-1].state, revision=before.revision + 1)
    if len(outcomes) == 1:
        return msgspec.structs.replace(outcomes[0], state=state)
    profiles = [outcome.profile for outcome in outcomes if outcome.profile is not None]
    return ChangeOutcome(
        state=state,
        is_change=True,
        measure_values={key: value for outcome in outcomes for key, value in outcome.measure_values.items()},
        profile=profiles[-1] if profiles else None,
        unlocked=tuple(unlock for outcome in outcomes for unlock in outcome.unlocked),
        days=_sum_days([delta for outcome in outcomes for delta in outcome.days]),
        logged=tuple(event for outcome in outcomes for event in outcome.logged),
    )


def _sum_days(deltas: Sequence[DailyDelta]) -> tuple[DailyDelta, ...]:
    days: dict[tuple[str, datetime.date], DailyDelta] = {}
    for delta in deltas:
        key = delta.metric, delta.day
        same = days.get(key)
        days[key] = (
            delta
            if same is None
            else DailyDelta(delta.metric, delta.day, delta.change + same.change, delta.is_active or same.is_active)
        )
    return tuple(days.values())
