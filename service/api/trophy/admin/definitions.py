"""What the items of the admin API make of a title: definitions created, updated and archived. Pure."""

import typing
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from service.api.trophy import responses
from service.api.trophy.admin.schemas import (
    AchievementItem,
    AttributeItem,
    Filter,
    ItemError,
    MetricItem,
    achievement_shape,
    attribute_shape,
    decode_item,
    metric_shape,
)
from service.api.trophy.responses import YEAR, Shape
from service.api.trophy.schemas import check_text, parse_amount
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
    Title,
    achievement_key,
    metric_key,
)
from service.core.validation.metric_checks import KEY
from service.errors import InvalidField

_MAX_TARGET = 10_000  # days or years of a streak or anniversary: some 27 years of days
_KEPT_MEMBERS = ("id", "name", "description", "status", "badge", "userAttributes", "trigger")


def create_attribute(draft: Draft, raw: bytes, public_id: str) -> Draft:
    """The title with a new attribute from an item.

    Raises:
        InvalidField: the item is invalid, or its key is in use.
    """
    item = decode_item(raw, AttributeItem)
    _check_key(item.key)
    if any((other.key, other.kind) == (item.key, item.type) for other in draft.title.attributes):
        raise ItemError("Key already in use by another attribute")
    attribute = Attribute(key=item.key, public_id=public_id, kind=item.type, name=check_text(item.name, "name"))
    return _with_title(draft, attributes=(*draft.title.attributes, attribute))


def create_metric(draft: Draft, raw: bytes, public_id: str) -> Draft:
    """The title with a new metric from an item; its name is a text of the default locale.

    Raises:
        InvalidField: the item is invalid, or its key is in use.
    """
    return _with_metric(draft, decode_item(raw, MetricItem), public_id)


def create_achievement(draft: Draft, raw: bytes, public_id: str) -> Draft:
    """The title with a new achievement from an item.

    Raises:
        InvalidField: the item is invalid, or its key is in use.
    """
    return _with_achievement(draft, decode_item(raw, AchievementItem), public_id)


def update_attribute(draft: Draft, attribute: Attribute, patch: dict[str, Any]) -> Draft:
    """The title with an attribute renamed.

    Raises:
        InvalidField: the patch is invalid, or would change the key or type.
    """
    _check_immutable(patch, key=attribute.key, type=attribute.kind)
    raw = msgspec.json.encode(attribute_shape(attribute) | patch)
    renamed = msgspec.structs.replace(attribute, name=decode_item(raw, AttributeItem).name)
    others = [other for other in draft.title.attributes if other.public_id != attribute.public_id]
    return _with_title(draft, attributes=(*others, renamed))


def update_metric(draft: Draft, metric: Metric, patch: dict[str, Any]) -> Draft:
    """The title with a metric changed.

    Raises:
        InvalidField: the patch is invalid, or would change the key.
    """
    _check_immutable(patch, key=metric.key)
    raw = msgspec.json.encode(metric_shape(draft, metric) | patch)
    others = tuple(other for other in draft.title.metrics if other.public_id != metric.public_id)
    return _with_metric(_with_title(draft, metrics=others), decode_item(raw, MetricItem), metric.public_id)


def update_achievement(draft: Draft, achievement: Achievement, patch: dict[str, Any]) -> Draft:
    """The title with an achievement changed.

    Raises:
        InvalidField: the patch is invalid, or its key is in use.
    """
    raw = _apply_patch(achievement_shape(draft, achievement), patch)
    return _with_achievement(draft, decode_item(raw, AchievementItem), achievement.public_id)


def archive(draft: Draft, public_id: str) -> Draft:
    """The title with this achievement or metric archived, or this attribute removed."""
    return msgspec.structs.replace(
        _with_title(
            draft,
            metrics=_each(
                draft.title.metrics, public_id, lambda metric: msgspec.structs.replace(metric, status="archived")
            ),
            attributes=tuple(attribute for attribute in draft.title.attributes if attribute.public_id != public_id),
        ),
        achievements=_each(
            draft.achievements, public_id, lambda achievement: msgspec.structs.replace(achievement, status="archived")
        ),
    )


def _with_metric(draft: Draft, item: MetricItem, public_id: str) -> Draft:
    _check_key(item.key)
    if any(other.key == item.key for other in draft.title.metrics):
        raise ItemError("Key already in use by another metric")
    metric = Metric(key=item.key, public_id=public_id, unit_type=item.unit_type, units=item.units or None)
    return _with_texts(
        _with_title(draft, metrics=(*draft.title.metrics, metric)),
        {metric_key(item.key): check_text(item.name, "name")},
    )


def _with_achievement(draft: Draft, item: AchievementItem, public_id: str) -> Draft:
    before = next((other for other in draft.achievements if other.public_id == public_id), None)
    if before is None:
        before = _new_achievement(draft, public_id)
    picture = NO_PICTURE if item.badge is None else MediaAsset(name="badge", kind="Icon", url=item.badge.url)
    achievement = msgspec.structs.replace(
        before,
        media=(picture, *(media for media in before.media if media.kind != "Icon")),
        requirements=_requirements(draft.title, before, item),
        status=item.status,
        key=_unused_key(draft, item.key or "", public_id) if item.trigger == "api" else None,
        user_filter=_filter(draft.title, item.user_attributes, "user"),
    )
    others = [other for other in draft.achievements if other.public_id != public_id]
    achievements = tuple(sorted((*others, achievement), key=lambda each: each.number))
    return _with_texts(
        msgspec.structs.replace(draft, achievements=achievements),
        {
            achievement_key(achievement.number, "name"): check_text(item.name, "name"),
            achievement_key(achievement.number, "description"): check_text(item.description or "", "description"),
        },
    )


def _new_achievement(draft: Draft, public_id: str) -> Achievement:
    return Achievement(
        number=max((other.number for other in draft.achievements), default=0) + 1,
        public_id=public_id,
        product_id=str(uuid.uuid5(uuid.NAMESPACE_OID, public_id)),
        platforms=(draft.title.platform,),
        media=(NO_PICTURE,),
    )


def _unused_key(draft: Draft, key: str, public_id: str) -> str:
    _check_key(key)
    for other in draft.achievements:
        if other.key == key and other.public_id != public_id and other.status != "archived":
            raise ItemError("Key already in use by another achievement")
    return key


def _apply_patch(shape: Shape, patch: Mapping[str, Any]) -> bytes:
    """The achievement with the patch merged in (RFC 7396); another trigger drops the members of the old one."""
    if patch.get("trigger", shape["trigger"]) != shape["trigger"]:
        shape = {name: shape[name] for name in _KEPT_MEMBERS}
    return responses.encode({**shape, **patch})


def _requirements(title: Title, achievement: Achievement, item: AchievementItem) -> tuple[Requirement, ...]:
    measure: Measure
    match item.trigger:
        case "api":
            return ()
        case "metric":
            metric = next((metric for metric in title.metrics if metric.public_id == item.metric_id), None)
            if metric is None:
                raise ItemError("Metric not found by ID")
            target = _metric_target(bytes(item.metric_value))
            where = _filter(title, item.event_attributes, "event")
            measure = Measure(aggregate="sum", metric=metric.key, where=where)
        case "streak":
            target = str(_at_least_one(item.streak_length, "streakLength"))
            measure = Measure(aggregate="streak")
        case "achievement":
            ids = tuple(dict.fromkeys(item.achievement_ids or ()))
            if not ids:
                raise InvalidField("achievementIds", "at least one achievement's id")
            target, measure = str(len(ids)), Measure(aggregate="unlocks", achievements=ids)
        case "anniversary":
            target = str(_at_least_one(item.anniversary_years, "anniversaryYears") * YEAR)
            measure = Measure(aggregate="age")
        case _:
            typing.assert_never(item.trigger)
    value_type: Literal["Integer", "Double"] = "Double" if "." in target else "Integer"
    requirement_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"requirement of {achievement.public_id}"))
    return (Requirement(id=requirement_id, target=target, value_type=value_type, measure=measure),)


def _metric_target(raw: bytes) -> str:
    if raw == b"null":
        raise ItemError("Metric value is required")
    value: Decimal = parse_amount(raw, "metricValue")
    if value < 1:
        raise InvalidField("metricValue", "1 or more", value)
    return format(value.normalize(), "f")


def _at_least_one(value: int | None, field: str) -> int:
    if value is None or not 1 <= value <= _MAX_TARGET:
        raise InvalidField(field, f"a whole number of 1 to {_MAX_TARGET}", value)
    return value


def _filter(title: Title, filters: list[Filter] | None, kind: AttributeKind) -> tuple[tuple[str, str], ...]:
    keys = {attribute.public_id: attribute.key for attribute in title.attributes if attribute.kind == kind}
    pairs: dict[str, str] = {}
    for each in filters or ():
        if each.attribute_id not in keys:
            raise ItemError("Attribute not found by ID")
        pairs[keys[each.attribute_id]] = check_text(each.attribute_value, "attributeValue")
    return tuple(sorted(pairs.items()))


def _check_key(key: str) -> None:
    if KEY.fullmatch(key) is None:
        raise InvalidField("key", "1 to 128 letters, digits, hyphens and underscores", key)


def _check_immutable(patch: dict[str, Any], **current: str) -> None:
    for name, value in current.items():
        if patch.get(name, value) != value:
            raise InvalidField(name, f"the {name} that it has, {value}: it never changes", patch[name])


def _with_title(draft: Draft, **changes: Any) -> Draft:
    return msgspec.structs.replace(draft, title=msgspec.structs.replace(draft.title, **changes))


def _with_texts(draft: Draft, texts: Mapping[str, str]) -> Draft:
    """The title with texts of the default locale replaced; empty ones are removed."""
    locale = draft.title.default_locale
    merged = {**draft.texts.get(locale, {}), **texts}
    for key, text in texts.items():
        if not text:
            del merged[key]
    return msgspec.structs.replace(draft, texts={**draft.texts, locale: merged})


def _each(items: tuple[Any, ...], public_id: str, change: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(change(item) if item.public_id == public_id else item for item in items)
