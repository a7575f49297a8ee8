"""What a badge is earned by: six patterns of achievements that learning and community platforms know. Pure.

| kind | is an achievement with one requirement |
|---|---|
| enrolled, completed, passed | one event of the metric `lp-enrolled`, `lp-completed`, `lp-passed` with a `learning-path` |
| connections | a sum of `social-connections`, within some time or ever |
| posts | a sum of `social-posts` |
| registered | time since the player came |

(The badges document's six criteria. The names of metrics and of the attribute are ours, of letters that the admin API
takes in keys.)
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from service import ticks
from service.core.catalog.model import Achievement, Measure
from service.core.unlocks import measures
from service.core.unlocks.model import LogEntry, PlayerState

LEARNING_PATH = "learning-path"
LARGEST = 2**31 - 1  # what a GraphQL Int holds

Kind = Literal["enrolled", "completed", "passed", "connections", "posts", "registered"]

_METRICS: Mapping[str, Kind] = {
    "lp-enrolled": "enrolled",
    "lp-completed": "completed",
    "lp-passed": "passed",
    "social-connections": "connections",
    "social-posts": "posts",
}


def _is_of_path(measure: Measure, path: str | None, target: Decimal) -> bool:
    return path is not None and measure.period_seconds is None and target == 1


_FITS: Mapping[Kind, Callable[[Measure, str | None, Decimal], bool]] = {
    "enrolled": _is_of_path,
    "completed": _is_of_path,
    "passed": _is_of_path,
    "connections": lambda measure, _path, _target: not measure.where,
    "posts": lambda measure, _path, _target: not measure.where and measure.period_seconds is None,
}


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """How a badge is earned. `threshold` is a count, or seconds for "registered"; `period` is in seconds.

    `learning_path` names what is to be enrolled in, completed or passed; None for the other kinds.
    """

    kind: Kind
    measure: Measure
    threshold: int
    learning_path: str | None = None
    period: int | None = None


def criterion_of(achievement: Achievement) -> Criterion | None:
    """The pattern that an achievement fits; None if it fits none."""
    if len(achievement.requirements) != 1:
        return None
    requirement = achievement.requirements[0]
    measure, target = requirement.measure, Decimal(requirement.target)
    if measure is None or requirement.operation == "Minimum" or not 0 < target <= LARGEST or target % 1:
        return None
    if measure.aggregate == "age":
        return Criterion(kind="registered", measure=measure, threshold=int(target))
    kind = _METRICS.get(measure.metric or "") if measure.aggregate == "sum" else None
    path = measure.where[0][1] if [key for key, _ in measure.where] == [LEARNING_PATH] else None
    if kind is None or not _FITS[kind](measure, path, target):
        return None
    return Criterion(
        kind=kind, measure=measure, threshold=int(target), learning_path=path, period=measure.period_seconds
    )


def current(criterion: Criterion, counted: int, *, is_earned: bool) -> int:
    """How far along a player is of whom so much counts: at least at the threshold of what is earned."""
    return max(counted, criterion.threshold) if is_earned else counted


def reached(criterion: Criterion, state: PlayerState, *, now: int, log: Sequence[LogEntry] = ()) -> int:
    """What counts now: whole, 0 to 2**31 - 1. Criteria of one measure (by its key) have it in common.

    `log` is needed where the criterion has a period: the events of the measure, of which those within it count.
    """
    match criterion.kind:
        case "registered":
            value = Decimal((now - state.created_at) // ticks.SECOND) if state.created_at else Decimal(0)
        case "connections" if criterion.period is not None:
            since = now - criterion.period * ticks.SECOND
            value = sum((event.amount for event in log if since < event.at <= now), Decimal(0))
        case _:
            value = measures.value_of("sum", state.measure_values.get(criterion.measure.key)) or Decimal(0)
    return max(0, min(int(value // 1), LARGEST))
