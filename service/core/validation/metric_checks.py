"""Check that the metrics, attributes and measures of a title are valid and refer to each other. Pure."""

import collections
import contextlib
import graphlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from service.concurrency.steps import Steps
from service.core.catalog.model import Achievement, Measure, Title
from service.core.validation.diagnostics import InvalidValue

KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")  # Trophy API: ^[a-zA-Z\d\-_]+$
MAX_PERIOD_SECONDS = 3660 * 24 * 3600  # about ten years
_NEEDS_METRIC = ("sum", "max", "last", "distinct")


def check_metrics(title: Title, achievements: Sequence[Achievement]) -> Iterator[tuple[str, InvalidValue]]:
    """The key of each invalid or unknown metric, attribute or measure, and the rule that it breaks."""
    yield from check_declarations(title)
    yield from check_references(title, achievements, achievements)
    for public_id in _in_cycles(achievements):
        yield "achievements", _cycle(public_id)


def check_declarations(title: Title) -> Iterator[tuple[str, InvalidValue]]:
    """What is wrong with the keys and ids of a title's metrics and attributes."""
    yield from _check_keys("metric", [metric.key for metric in title.metrics], [m.public_id for m in title.metrics])
    for kind in ("user", "event"):
        declared = [attribute for attribute in title.attributes if attribute.kind == kind]
        yield from _check_keys(f"{kind} attribute", [a.key for a in declared], [a.public_id for a in declared])


def check_references(
    title: Title, achievements: Sequence[Achievement], checked: Iterable[Achievement]
) -> Iterator[tuple[str, InvalidValue]]:
    """What is wrong with the user filters and measures of the `checked` ones among a title's achievements."""
    names = _Names(title, achievements)
    for achievement in checked:
        location_key = f"achievement/{achievement.number}"
        for key, _ in achievement.user_filter:
            if key not in names.user:
                message = f"the user attribute {key!r} is not declared in this title"
                yield location_key, InvalidValue("unknown-attribute", message)
        for requirement in achievement.requirements:
            if requirement.measure is not None:
                for violation in names.check(requirement.measure, requirement.target):
                    yield location_key, violation


def check_prerequisites(achievement: Achievement, achievements: Sequence[Achievement]) -> Steps[InvalidValue | None]:
    """The violation if an achievement is its own prerequisite, directly or through others."""
    if not _prerequisites(achievement):
        return None
    by_public_id = {other.public_id: other for other in achievements}
    seen: set[str] = set()
    pending = [*_prerequisites(achievement)]
    while pending:
        public_id = pending.pop()
        if public_id == achievement.public_id:
            return _cycle(public_id)
        if public_id not in seen and public_id in by_public_id:
            seen.add(public_id)
            pending += _prerequisites(by_public_id[public_id])
            yield
    return None


class _Names:
    """The names that measures may refer to."""

    def __init__(self, title: Title, achievements: Sequence[Achievement]) -> None:
        self.metrics = {metric.key for metric in title.metrics}
        self.user = {attribute.key for attribute in title.attributes if attribute.kind == "user"}
        self.event = {attribute.key for attribute in title.attributes if attribute.kind == "event"}
        self.achievements = {achievement.public_id for achievement in achievements}

    def check(self, measure: Measure, target: str) -> Iterator[InvalidValue]:
        yield from self._unknown(measure)
        aggregate, has_metric = measure.aggregate, measure.metric is not None
        if has_metric != (aggregate in _NEEDS_METRIC) and not (has_metric and aggregate == "streak"):
            yield InvalidValue("measure", f"{aggregate} {'has no' if has_metric else 'needs a'} metric")
        if (measure.of is None) == (aggregate == "distinct"):
            yield InvalidValue("measure", "distinct needs `of`, an event attribute; other aggregates have none")
        if measure.where and aggregate not in _NEEDS_METRIC:
            yield InvalidValue("measure", f"{aggregate} has no `where`")
        if measure.achievements and aggregate != "unlocks":
            yield InvalidValue("measure", f"{aggregate} has no achievements")
        period = measure.period_seconds
        if period is not None and (aggregate != "sum" or not 0 < period <= MAX_PERIOD_SECONDS):
            yield InvalidValue("measure", f"expected a period of a sum, of 1 to {MAX_PERIOD_SECONDS} seconds")
        if aggregate not in ("last", "max", "sum") and Decimal(target) <= 0:
            yield InvalidValue("target", f"expected a target of {aggregate} above 0, got {target}")

    def _unknown(self, measure: Measure) -> Iterator[InvalidValue]:
        if measure.metric is not None and measure.metric not in self.metrics:
            yield InvalidValue("unknown-metric", f"the metric {measure.metric!r} is not declared in this title")
        for key in [*(key for key, _ in measure.where), *([] if measure.of is None else [measure.of])]:
            if key not in self.event:
                yield InvalidValue("unknown-attribute", f"the event attribute {key!r} is not declared in this title")
        for public_id in measure.achievements:
            if public_id not in self.achievements:
                yield InvalidValue("unknown-achievement", f"there is no achievement {public_id!r} in this title")


def _check_keys(kind: str, keys: Sequence[str], public_ids: Sequence[str]) -> Iterator[tuple[str, InvalidValue]]:
    for key in keys:
        if KEY.fullmatch(key) is None:
            message = f"expected a {kind} key of 1 to 128 characters of A-Z, a-z, 0-9, _ and -, got {key[:64]!r}"
            yield "title", InvalidValue("key", message)
    for names, name in ((keys, "key"), (public_ids, "public id")):
        for repeated, count in collections.Counter(names).items():
            if count > 1:
                message = f"expected different {name}s of {kind}s, got {repeated[:64]!r} more than once"
                yield "title", InvalidValue("duplicate-key", message)


def _cycle(public_id: str) -> InvalidValue:
    return InvalidValue("circle", f"achievement {public_id!r} is its own prerequisite, in a cycle")


def _prerequisites(achievement: Achievement) -> list[str]:
    return [
        public_id
        for requirement in achievement.requirements
        if requirement.measure is not None and requirement.measure.aggregate == "unlocks"
        for public_id in requirement.measure.achievements
    ]


def _in_cycles(achievements: Sequence[Achievement]) -> list[str]:
    """The public ids of achievements that are their own prerequisite, so that they could never be unlocked, in order.

    Those between two cycles are among them. The time is linear in the number of prerequisites.
    """
    known = {achievement.public_id for achievement in achievements}
    prerequisites = {
        achievement.public_id: known.intersection(_prerequisites(achievement)) for achievement in achievements
    }
    leading = _unsorted(prerequisites)
    dependents: dict[str, set[str]] = {public_id: set() for public_id in leading}
    for public_id in leading:
        for other in prerequisites[public_id] & leading:
            dependents[other].add(public_id)
    return sorted(_unsorted(dependents))


def _unsorted(graph: Mapping[str, AbstractSet[str]]) -> AbstractSet[str]:
    """The nodes that no topological order has: those in cycles, and those that lead into one."""
    sorter = graphlib.TopologicalSorter(graph)
    with contextlib.suppress(graphlib.CycleError):
        sorter.prepare()
    unsorted = set(graph)
    while ready := sorter.get_ready():
        unsorted.difference_update(ready)
        sorter.done(*ready)
    return unsorted
