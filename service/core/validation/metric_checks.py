"""Which metrics, attributes and measures hold together. Pure: for every way in which definitions come in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from service.core.catalog.model import Achievement, Measure, Title
from service.core.validation.diagnostics import InvalidValue

KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")  # Trophy's: ^[a-zA-Z\d\-_]+$
LONGEST_PERIOD = 3660 * 24 * 3600  # seconds: some ten years
_NEEDS_METRIC = ("sum", "max", "last", "distinct")


def contradictions_of(title: Title, achievements: Sequence[Achievement]) -> Iterator[tuple[str, InvalidValue]]:
    """What is wrong with what a title counts: where, and which rule it breaks."""
    yield from _keys("metric", [metric.key for metric in title.metrics], [m.public_id for m in title.metrics])
    for kind in ("user", "event"):
        declared = [attribute for attribute in title.attributes if attribute.kind == kind]
        yield from _keys(f"{kind} attribute", [a.key for a in declared], [a.public_id for a in declared])
    known = _Known(title, achievements)
    for achievement in achievements:
        place = f"achievement/{achievement.number}"
        for key, _ in achievement.user_filter:
            if key not in known.user:
                yield (
                    place,
                    InvalidValue("unknown-attribute", f"the user attribute {key!r} is not declared in this title"),
                )
        for requirement in achievement.requirements:
            if requirement.measure is not None:
                for broken in known.contradictions_within(requirement.measure, requirement.target):
                    yield place, broken
    for public_id in _in_circles(achievements):
        yield "achievements", InvalidValue("circle", f"achievement {public_id!r} is, in the end, its own prerequisite")


class _Known:
    """What measures may refer to."""

    def __init__(self, title: Title, achievements: Sequence[Achievement]) -> None:
        self.metrics = {metric.key for metric in title.metrics}
        self.user = {attribute.key for attribute in title.attributes if attribute.kind == "user"}
        self.event = {attribute.key for attribute in title.attributes if attribute.kind == "event"}
        self.achievements = {achievement.public_id for achievement in achievements}

    def contradictions_within(self, measure: Measure, target: str) -> Iterator[InvalidValue]:
        yield from self._unknown(measure)
        aggregate, has_metric = measure.aggregate, measure.metric is not None
        if has_metric != (aggregate in _NEEDS_METRIC) and not (has_metric and aggregate == "streak"):
            yield InvalidValue("measure", f"{aggregate} {'has no' if has_metric else 'needs a'} metric")
        if (measure.of is None) == (aggregate == "distinct"):
            yield InvalidValue(
                "measure", "`of` names the event attribute that distinct counts, and stands with it alone"
            )
        if measure.where and aggregate not in _NEEDS_METRIC:
            yield InvalidValue("measure", f"{aggregate} has no `where`")
        if measure.achievements and aggregate != "unlocks":
            yield InvalidValue("measure", f"{aggregate} has no achievements")
        period = measure.period_seconds
        if period is not None and (aggregate != "sum" or not 0 < period <= LONGEST_PERIOD):
            yield InvalidValue("measure", f"a period is of a sum, and of 1 to {LONGEST_PERIOD} seconds")
        if aggregate not in ("last", "max", "sum") and Decimal(target) <= 0:
            yield InvalidValue("target", f"the target of {aggregate} must be above 0")

    def _unknown(self, measure: Measure) -> Iterator[InvalidValue]:
        if measure.metric is not None and measure.metric not in self.metrics:
            yield InvalidValue("unknown-metric", f"the metric {measure.metric!r} is not declared in this title")
        for key in [*(key for key, _ in measure.where), *([] if measure.of is None else [measure.of])]:
            if key not in self.event:
                yield InvalidValue("unknown-attribute", f"the event attribute {key!r} is not declared in this title")
        for public_id in measure.achievements:
            if public_id not in self.achievements:
                yield InvalidValue("unknown-achievement", f"there is no achievement {public_id!r} in this title")


def _keys(what: str, keys: Sequence[str], public_ids: Sequence[str]) -> Iterator[tuple[str, InvalidValue]]:
    for key in keys:
        if KEY.fullmatch(key) is None:
            yield (
                "title",
                InvalidValue("key", f"a {what}'s key has 1 to 128 of A-Z, a-z, 0-9, _ and -, not {key[:64]!r}"),
            )
    for names, name in ((keys, "key"), (public_ids, "public id")):
        for twice in {one for one in names if names.count(one) > 1}:
            yield "title", InvalidValue("duplicate-key", f"two of the {what}s have the {name} {twice[:64]!r}")


def _in_circles(achievements: Sequence[Achievement]) -> Iterator[str]:
    """The achievements that wait for themselves, which nobody could ever unlock."""
    after: Mapping[str, set[str]] = {
        achievement.public_id: {
            public_id
            for requirement in achievement.requirements
            if requirement.measure is not None and requirement.measure.aggregate == "unlocks"
            for public_id in requirement.measure.achievements
        }
        for achievement in achievements
    }
    for start in sorted(after):
        seen: set[str] = set()
        ahead = list(after[start])
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += after.get(one, ())
        if start in seen:
            yield start
