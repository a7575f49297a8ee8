"""What the admin API reads and shows of attributes, metrics and achievements, and what it makes of a title. Pure."""

import typing
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

from service.api.trophy import responses
from service.api.trophy.responses import YEAR, Shape
from service.api.trophy.schemas import amount, text
from service.core.catalog.model import (
    NO_PICTURE,
    Achievement,
    Attribute,
    AttributeKind,
    Draft,
    Measure,
    MediaAsset,
    Metric,
    Requirement,
    Status,
    Title,
    UnitType,
    achievement_key,
    metric_key,
)
from service.core.validation.metric_checks import KEY
from service.errors import InvalidField
from service.http.body import describe_validation_error

Trigger = Literal["metric", "streak", "api", "achievement", "anniversary"]
T = TypeVar("T")

_COMMON = ("id", "name", "description", "status", "badge", "userAttributes", "trigger")


class AttributeItem(msgspec.Struct, kw_only=True, rename="camel"):
    """An attribute to make."""

    name: str
    key: str
    type: AttributeKind


class MetricItem(msgspec.Struct, kw_only=True, rename="camel"):
    """A metric to make."""

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
    """An achievement to make; which members are needed is the trigger's."""

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
    """One item of a body.

    Raises:
        InvalidField: a member is missing, or of another type. (In Trophy's words: "Name not a string".)
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        field, expected = describe_validation_error(error)
        if expected.startswith("str, got") and field:
            raise ItemErrors(f"{field[:1].upper()}{field[1:]} not a string") from None
        raise InvalidField(field, expected) from None


class ItemErrors(InvalidField):
    """A refusal in Trophy's own words."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.field = "item"


def with_attribute(draft: Draft, item: AttributeItem, public_id: str) -> Draft:
    """The title with one attribute more."""
    _key(item.key)
    if any((known.key, known.kind) == (item.key, item.type) for known in draft.title.attributes):
        raise ItemErrors("Key already in use by another attribute")
    made = Attribute(key=item.key, public_id=public_id, kind=item.type, name=text(item.name, "name"))
    return _with_title(draft, attributes=(*draft.title.attributes, made))


def with_metric(draft: Draft, item: MetricItem, public_id: str) -> Draft:
    """The title with one metric more; its name is a text of the default locale."""
    _key(item.key)
    if any(known.key == item.key for known in draft.title.metrics):
        raise ItemErrors("Key already in use by another metric")
    made = Metric(key=item.key, public_id=public_id, unit_type=item.unit_type, units=item.units or None)
    return _with_texts(
        _with_title(draft, metrics=(*draft.title.metrics, made)), {metric_key(item.key): text(item.name, "name")}
    )


def with_achievement(draft: Draft, item: AchievementItem, public_id: str) -> Draft:
    """The title with one achievement more, or with that of this public id changed."""
    known = next((one for one in draft.achievements if one.public_id == public_id), None)
    if known is None:
        known = Achievement(
            number=max((one.number for one in draft.achievements), default=0) + 1,
            public_id=public_id,
            product_id=str(uuid.uuid5(uuid.NAMESPACE_OID, public_id)),
            platforms=(draft.title.platform,),
            media=(NO_PICTURE,),
        )
    picture = NO_PICTURE
    if item.badge is not None:
        picture = MediaAsset(name="badge", kind="Icon", url=item.badge.url)
    others = tuple(media for media in known.media if media.kind != "Icon")
    key = None
    if item.trigger == "api":
        key = _key(item.key or "")
        if any(
            one.key == key and one.public_id != public_id and one.status != "archived" for one in draft.achievements
        ):
            raise ItemErrors("Key already in use by another achievement")
    made = msgspec.structs.replace(
        known,
        media=(picture, *others),
        requirements=_requirements(draft.title, known, item),
        status=item.status,
        key=key,
        user_filter=_filter(draft.title, item.user_attributes, "user"),
    )
    kept = tuple(one for one in draft.achievements if one.public_id != public_id)
    return _with_texts(
        msgspec.structs.replace(draft, achievements=tuple(sorted((*kept, made), key=lambda one: one.number))),
        {
            achievement_key(made.number, "name"): text(item.name, "name"),
            achievement_key(made.number, "description"): text(item.description or "", "description"),
        },
    )


def attribute_shape(attribute: Attribute) -> Shape:
    """An attribute as the admin API shows it."""
    return {"id": attribute.public_id, "name": attribute.name, "key": attribute.key, "type": attribute.kind}


def metric_shape(draft: Draft, metric: Metric) -> Shape:
    """A metric as the admin API shows it."""
    return {
        "id": metric.public_id,
        "name": _text(draft, metric_key(metric.key)) or metric.key,
        "key": metric.key,
        "unitType": metric.unit_type,
        "units": metric.units or "",  # the libraries demand a text
    }


def achievement_shape(draft: Draft, achievement: Achievement) -> Shape:
    """An achievement as the admin API shows it, and takes it back."""
    icon = next((media for media in achievement.media if media.kind == "Icon"), NO_PICTURE)
    shape: Shape = {
        "id": achievement.public_id,
        "name": _text(draft, achievement_key(achievement.number, "name")) or "",
        "description": _text(draft, achievement_key(achievement.number, "description")),
        "status": achievement.status,
        "badge": None if icon == NO_PICTURE else {"url": icon.url},
        "userAttributes": _filters(draft.title, achievement.user_filter, "user"),
    }
    found = responses.measured(achievement)
    if found is None:
        return shape | {"trigger": "api", "key": achievement.key or achievement.public_id}
    requirement, measure = found
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
                "metricValue": responses.number(target),
                "eventAttributes": _filters(draft.title, measure.where, "event"),
            }


def apply_patch(shape: Shape, patch: Mapping[str, Any]) -> bytes:
    """An achievement's shape with what a PATCH says: what is left out stays, null clears, another trigger begins anew."""
    if patch.get("trigger", shape["trigger"]) != shape["trigger"]:
        shape = {name: shape[name] for name in _COMMON}
    return responses.encode({**shape, **patch})


def _requirements(title: Title, known: Achievement, item: AchievementItem) -> tuple[Requirement, ...]:
    measure: Measure
    match item.trigger:
        case "api":
            return ()
        case "metric":
            metric = next((one for one in title.metrics if one.public_id == item.metric_id), None)
            if metric is None:
                raise ItemErrors("Metric not found by ID")
            if bytes(item.metric_value) == b"null":
                raise ItemErrors("Metric value is required")
            value = amount(bytes(item.metric_value), "metricValue")
            if value < 1:
                raise InvalidField("metricValue", "1 or more", value)
            target = format(value.normalize(), "f")
            where = _filter(title, item.event_attributes, "event")
            measure = Measure(aggregate="sum", metric=metric.key, where=where)
        case "streak":
            target = _at_least_one(item.streak_length, "streakLength")
            measure = Measure(aggregate="streak")
        case "achievement":
            ids = tuple(dict.fromkeys(item.achievement_ids or ()))
            if not ids:
                raise InvalidField("achievementIds", "at least one achievement's id")
            target, measure = str(len(ids)), Measure(aggregate="unlocks", achievements=ids)
        case "anniversary":
            years = int(_at_least_one(item.anniversary_years, "anniversaryYears"))
            target, measure = str(years * YEAR), Measure(aggregate="age")
        case _:
            typing.assert_never(item.trigger)
    value_type: Literal["Integer", "Double"] = "Double" if "." in target else "Integer"
    requirement_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"requirement of {known.public_id}"))
    return (Requirement(id=requirement_id, target=target, value_type=value_type, measure=measure),)


def _at_least_one(value: int | None, field: str) -> str:
    if value is None or not 1 <= value <= 10_000:  # noqa: PLR2004  (some 27 years of days)
        raise InvalidField(field, "a whole number of 1 to 10000", value)
    return str(value)


def _filter(title: Title, filters: list[Filter] | None, kind: AttributeKind) -> tuple[tuple[str, str], ...]:
    keys = {attribute.public_id: attribute.key for attribute in title.attributes if attribute.kind == kind}
    pairs: dict[str, str] = {}
    for one in filters or ():
        if one.attribute_id not in keys:
            raise ItemErrors("Attribute not found by ID")
        pairs[keys[one.attribute_id]] = text(one.attribute_value, "attributeValue")
    return tuple(sorted(pairs.items()))


def _filters(title: Title, pairs: tuple[tuple[str, str], ...], kind: AttributeKind) -> list[Shape]:
    ids = {attribute.key: attribute.public_id for attribute in title.attributes if attribute.kind == kind}
    return [{"attributeId": ids.get(key, key), "attributeValue": value} for key, value in pairs]


def _key(key: str) -> str:
    if KEY.fullmatch(key) is None:
        raise InvalidField("key", "1 to 128 letters, digits, hyphens and underscores", key)
    return key


def _text(draft: Draft, key: str) -> str | None:
    return draft.texts.get(draft.title.default_locale, {}).get(key)


def _with_title(draft: Draft, **changes: Any) -> Draft:
    return msgspec.structs.replace(draft, title=msgspec.structs.replace(draft.title, **changes))


def _with_texts(draft: Draft, texts: Mapping[str, str]) -> Draft:
    locale = draft.title.default_locale
    own = {**draft.texts.get(locale, {}), **texts}
    return msgspec.structs.replace(draft, texts={**draft.texts, locale: {k: v for k, v in own.items() if v}})


def archived(draft: Draft, public_id: str) -> Draft:
    """The title with this achievement or metric archived."""
    return msgspec.structs.replace(
        _with_title(
            draft,
            metrics=_each(draft.title.metrics, public_id, lambda one: msgspec.structs.replace(one, status="archived")),
            attributes=tuple(one for one in draft.title.attributes if one.public_id != public_id),
        ),
        achievements=_each(draft.achievements, public_id, lambda one: msgspec.structs.replace(one, status=_ARCHIVED)),
    )


_ARCHIVED: Status = "archived"


def _each(items: tuple[Any, ...], public_id: str, change: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(change(item) if item.public_id == public_id else item for item in items)
