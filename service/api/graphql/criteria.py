"""The six earning criteria of badges, as patterns of achievements with one requirement. Pure.

| kind | GraphQL type, after `BadgeEarningCriteria` | requirement |
|---|---|---|
| enrolled, completed, passed | `LpEnroll`, `LpComplete`, `LpPassed` | one event of the metric `lp-enrolled`, `lp-completed` or `lp-passed` with a `learning-path` |
| connections | `SocialConnection` | a sum of `social-connections`, within a period or ever |
| posts | `SocialEngagement` | a sum of `social-posts` |
| registered | `RegisteredFor` | time since the player was created |

Source: the badges document, "BadgeEarningCriteria". It does not name metrics; these names fit the keys of the admin API.
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
MAX_INT = 2**31 - 1  # of GraphQL

Kind = Literal["enrolled", "completed", "passed", "connections", "posts", "registered"]

_METRICS: Mapping[str, Kind] = {
    "lp-enrolled": "enrolled",
    "lp-completed": "completed",
    "lp-passed": "passed",
    "social-connections": "connections",
    "social-posts": "posts",
}


def _is_path_measure(measure: Measure, path: str | None, target: Decimal) -> bool:
    return path is not None and measure.period_seconds is None and target == 1


_MATCHES: Mapping[Kind, Callable[[Measure, str | None, Decimal], bool]] = {
    "enrolled": _is_path_measure,
    "completed": _is_path_measure,
    "passed": _is_path_measure,
    "connections": lambda measure, _path, _target: not measure.where,
    "posts": lambda measure, _path, _target: not measure.where and measure.period_seconds is None,
}


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """How a badge is earned. `threshold` is a count, or seconds for "registered"; `period` is in seconds.

    `learning_path` is the path to enroll in, to complete or to pass; None for the other kinds.
    """

    kind: Kind
    measure: Measure
    threshold: int
    learning_path: str | None = None
    period: int | None = None


def criterion_of(achievement: Achievement) -> Criterion | None:
    """The criterion of an achievement; None if it matches no pattern."""
    if len(achievement.requirements) != 1:
        return None
    requirement = achievement.requirements[0]
    measure, target = requirement.measure, Decimal(requirement.target)
    if measure is None or requirement.operation == "Minimum" or not 0 < target <= MAX_INT or target % 1:
        return None
    if measure.aggregate == "age":
        return Criterion(kind="registered", measure=measure, threshold=int(target))
    kind = _METRICS.get(measure.metric or "") if measure.aggregate == "sum" else None
    path = measure.where[0][1] if [key for key, _ in measure.where] == [LEARNING_PATH] else None
    if kind is None or not _MATCHES[kind](measure, path, target):
        return None
    return Criterion(
        kind=kind, measure=measure, threshold=int(target), learning_path=path, period=measure.period_seconds
    )


def current_threshold(criterion: Criterion, count: int, *, is_earned: bool) -> int:
    """The `currentThreshold` for a count: at least the threshold if the badge is earned."""
    return max(count, criterion.threshold) if is_earned else count


def count_now(criterion: Criterion, state: PlayerState, *, now: int, log: Sequence[LogEntry] = ()) -> int:
    """What counts towards the threshold at `now`, in ticks: 0 to 2**31 - 1, the same for all criteria of a measure.

    A criterion with a period needs the `log` of the measure's events, of which those within the period count.
    """
    match criterion.kind:
        case "registered":
            value = Decimal((now - state.created_at) // ticks.SECOND) if state.created_at else Decimal(0)
        case "connections" if criterion.period is not None:
            since = now - criterion.period * ticks.SECOND
            value = sum((event.amount for event in log if since < event.at <= now), Decimal(0))
        case _:
            value = measures.value_of("sum", state.measure_values.get(criterion.measure.key)) or Decimal(0)
    return max(0, min(int(value // 1), MAX_INT))
