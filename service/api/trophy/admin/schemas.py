"""Request items of the admin API, and attributes, metrics and achievements as it shows them. Pure."""

from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from service.api.trophy import responses
from service.api.trophy.responses import YEAR, Shape
from service.core.catalog.model import (
    Achievement,
    Attribute,
    AttributeKind,
    Draft,
    Metric,
    Title,
    UnitType,
    achievement_key,
    metric_key,
)
from service.errors import InvalidField
from service.http.body import describe_validation_error

Trigger = Literal["metric", "streak", "api", "achievement", "anniversary"]
T = TypeVar("T")


class AttributeItem(msgspec.Struct, kw_only=True, rename="camel"):
    """A new attribute."""

    name: str
    key: str
    type: AttributeKind


class MetricItem(msgspec.Struct, kw_only=True, rename="camel"):
    """A new metric."""

    name: str
    key: str
    unit_type: UnitType = "number"
    units: str | None = None


class Badge(msgspec.Struct, kw_only=True):
    """A picture."""

    url: str


class Filter(msgspec.Struct, kw_only=True, rename="camel"):
    """A value that an attribute must have."""

    attribute_id: str
    attribute_value: str


class AchievementItem(msgspec.Struct, kw_only=True, rename="camel"):
    """A new achievement; its trigger decides which members are required."""

    name: str
    trigger: Trigger
    description: str | None = None
    status: Literal["inactive", "active", "locked"] = "inactive"
    badge: Badge | None = None
    user_attributes: list[Filter] | None = None
    event_attributes: list[Filter] | None = None
    key: str | None = None
    metric_id: str | None = None
    metric_value: msgspec.Raw = msgspec.Raw(b"null")
    streak_length: int | None = None
    achievement_ids: list[str] | None = None
    anniversary_years: int | None = None


def decode_item(raw: bytes, kind: type[T]) -> T:
    """One item of a request body.

    Raises:
        InvalidField: a member is missing, or of another type. (Trophy's own message: "Name not a string".)
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        field, expected = describe_validation_error(error)
        if expected.startswith("str, got") and field:
            raise ItemError(f"{field[:1].upper()}{field[1:]} not a string") from None
        raise InvalidField(field, expected) from None


class ItemError(InvalidField):
    """An invalid item, with Trophy's own message."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.field = "item"


def attribute_shape(attribute: Attribute) -> Shape:
    """An attribute as the admin API shows it."""
    return {"id": attribute.public_id, "name": attribute.name, "key": attribute.key, "type": attribute.kind}


def metric_shape(draft: Draft, metric: Metric) -> Shape:
    """A metric as the admin API shows it."""
    return {
        "id": metric.public_id,
        "name": default_text(draft, metric_key(metric.key)) or metric.key,
        "key": metric.key,
        "unitType": metric.unit_type,
        "units": metric.units or "",  # the libraries demand a text
    }


def achievement_shape(draft: Draft, achievement: Achievement) -> Shape:
    """An achievement as the admin API shows and accepts it."""
    shape: Shape = {
        "id": achievement.public_id,
        "name": default_text(draft, achievement_key(achievement.number, "name")) or "",
        "description": default_text(draft, achievement_key(achievement.number, "description")),
        "status": achievement.status,
        "badge": None if achievement.icon is None else {"url": achievement.icon.url},
        "userAttributes": _filters(draft.title, achievement.user_filter, "user"),
    }
    measured = responses.measured_requirement(achievement)
    if measured is None:
        return shape | {"trigger": "api", "key": achievement.key or achievement.public_id}
    requirement, measure = measured
    target = Decimal(requirement.target)
    match measure.aggregate:
        case "streak":
            return shape | {"trigger": "streak", "streakLength": int(target)}
        case "unlocks":
            return shape | {"trigger": "achievement", "achievementIds": list(measure.achievements)}
        case "age":
            return shape | {"trigger": "anniversary", "anniversaryYears": int(target // YEAR)}
        case _:
            metrics = {metric.key: metric.public_id for metric in draft.title.metrics}
            return shape | {
                "trigger": "metric",
                "metricId": metrics.get(measure.metric or ""),
                "metricValue": responses.json_number(target),
                "eventAttributes": _filters(draft.title, measure.where, "event"),
            }


def _filters(title: Title, pairs: tuple[tuple[str, str], ...], kind: AttributeKind) -> list[Shape]:
    ids = {attribute.key: attribute.public_id for attribute in title.attributes if attribute.kind == kind}
    return [{"attributeId": ids.get(key, key), "attributeValue": value} for key, value in pairs]


def default_text(draft: Draft, key: str) -> str | None:
    """A text in the title's default locale."""
    return draft.texts.get(draft.title.default_locale, {}).get(key)
