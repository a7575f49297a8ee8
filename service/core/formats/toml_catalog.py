"""Read and write a title as TOML with its texts in the default locale; other locales are in PO files. Pure.

Unknown names are errors that suggest the most similar known one. Values equal to their default are not written.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import tomli_w

from service import ticks
from service.core.catalog import model, text_keys
from service.core.catalog.model import Achievement, Draft, MediaAsset, Requirement, Reward, Title, Window
from service.core.formats import toml_measures
from service.core.formats.syntax.fields import Fields
from service.core.formats.syntax.toml_document import read_toml_document
from service.core.validation import publish_rules, values
from service.core.validation.diagnostics import SourceLocation

HEADER = """\
# The achievements of one title, with their texts in the default locale.
# Other languages: locales/<ll[_Ssss][_CC]>/LC_MESSAGES/title-<title_id>.po
#
# [[achievements]]  number, public_id (default: the number), name, description (once unlocked), locked_description,
#                   product_id and platforms (or once for all in [defaults]), display_order, kind (Persistent,
#                   Challenge), participation (Individual, Group), is_secret, is_revoked, deeplink,
#                   estimated_time ("HH:MM:SS"), legacy_type (1 to 7) and image_id (Xbox 360 contract only),
#                   window = { opens, closes } (UTC, as text), status (inactive, active, locked, archived),
#                   key (what servers call it by), user_filter = { attribute = value }, is_base (there at launch),
#                   stores = { xbox = a GUID, steam = "stat_bit", epic = a name }
#   media           at least one: name, kind, url
#   requirements    id, target (a decimal as text), operation (Sum, Minimum, Maximum),
#                   value_type (Integer, Double), participation,
#                   measure = { aggregate (sum, max, last, streak, distinct, age, unlocks), metric,
#                   where = { attribute = value }, of (distinct), period ("7d", "12h"; sum), achievements (unlocks) }
#   rewards         one of each kind: kind (Gamerscore, InApp, Art), value (as text), value_type, name, description,
#                   media
# [[metrics]]       key, name, public_id (default: the key), unit_type (number, currency), units, status
# [[attributes]]    key, kind (user, event), name, public_id (default: the key)
# [strings]         texts of the game that belong to no achievement

"""


def read_toml(data: bytes, *, file: str) -> Draft:
    """The title of a file, with the texts of its default locale.

    Raises:
        InvalidCatalog: the file is not TOML, or a value in it is invalid.
    """
    location = SourceLocation(file)
    members = read_toml_document(data, location)
    draft = _draft(Fields(members, location))
    location.raise_errors()
    return draft


def write_toml(draft: Draft) -> bytes:
    """The title with the texts of its default locale: the same bytes for the same draft."""
    title = draft.title
    texts = draft.texts.get(title.default_locale, {})
    defaults = _shared(draft.achievements)
    strings = {
        key.removeprefix(text_keys.STRING_PREFIX): texts[key]
        for key in sorted(texts)
        if key.startswith(text_keys.STRING_PREFIX)
    }
    document: dict[str, Any] = {
        **msgspec.to_builtins(draft.title),
        "name": texts.get(model.TITLE_NAME, ""),
        "metrics": [
            toml_measures.metric_table(metric, texts.get(model.metric_key(metric.key), "")) for metric in title.metrics
        ],
        "attributes": [toml_measures.attribute_table(attribute) for attribute in title.attributes],
        "defaults": defaults,
        "achievements": [_achievement_table(achievement, texts, defaults) for achievement in draft.achievements],
        "strings": strings,
    }
    document = {name: value for name, value in document.items() if value not in ({}, [])}
    return (HEADER + tomli_w.dumps(document)).encode()


def _draft(fields: Fields) -> Draft:
    locale = fields.required("default_locale", values.locale)
    texts: dict[str, str] = {}
    title = Title(
        title_id=fields.required("title_id", values.identifier),
        scid=fields.required("scid", values.guid),
        default_locale=locale,
        kind=fields.optional("kind", values.label, "Game"),
        platform=fields.optional("platform", values.label, "XboxOne"),
        version=fields.optional("version", values.label, None),
        text_unit=fields.optional("text_unit", values.text_unit, "string"),
        trust=fields.optional("trust", toml_measures.trust, "server"),
        metrics=tuple(toml_measures.metric(table, texts) for table in fields.each("metrics")),
        attributes=tuple(toml_measures.attribute(table) for table in fields.each("attributes")),
    )
    texts[model.TITLE_NAME] = fields.required("name", values.text)
    product, platforms = _defaults(fields.nested("defaults"))
    achievements = []
    for table in fields.each("achievements"):
        achievement, achievement_texts = _achievement(table, product, platforms)
        if table.is_valid:
            table.location.report_all(publish_rules.inconsistencies(achievement))
            achievements.append((achievement, table.location))
            texts.update(achievement_texts)
    for index, violation in publish_rules.duplicates([achievement for achievement, _ in achievements]):
        achievements[index][1].report_all([violation])
    strings = fields.nested("strings")
    if strings is not None:
        pairs = strings.pairs(values.label, values.text)
        texts.update({f"{text_keys.STRING_PREFIX}{id_}": text for id_, text in pairs.items()})
    fields.report_unknown()
    return Draft(
        title=title,
        achievements=tuple(sorted((achievement for achievement, _ in achievements), key=lambda item: item.number)),
        texts={locale: {key: text for key, text in texts.items() if text}},
    )


def _defaults(table: Fields | None) -> tuple[str | None, tuple[str, ...] | None]:
    if table is None:
        return None, None
    defaults = table.optional("product_id", values.guid, None), table.list_of("platforms", values.label)
    table.report_unknown()
    return defaults


def _achievement(
    table: Fields, product: str | None, platforms: tuple[str, ...] | None
) -> tuple[Achievement, dict[str, str]]:
    number = table.required("number", values.identifier)
    texts = {
        model.achievement_key(number, "name"): table.required("name", values.text),
        model.achievement_key(number, "description"): table.required("description", values.text),
        model.achievement_key(number, "locked_description"): table.required("locked_description", values.text),
    }
    own_platforms = table.list_of("platforms", values.label)
    achievement = Achievement(
        number=number,
        public_id=table.optional("public_id", values.label, str(number)),
        product_id=table.required("product_id", values.guid)
        if product is None
        else table.optional("product_id", values.guid, product),
        platforms=own_platforms if own_platforms is not None else platforms or (),
        media=tuple(_media(media) for media in table.each("media")),
        requirements=tuple(_requirement(requirement) for requirement in table.each("requirements")),
        rewards=tuple(_reward(reward, number, texts) for reward in table.each("rewards")),
        display_order=table.optional("display_order", values.u32, 0),
        kind=table.optional("kind", values.kind, "Persistent"),
        participation=table.optional("participation", values.participation, "Individual"),
        is_secret=table.optional("is_secret", values.boolean, default=False),
        is_revoked=table.optional("is_revoked", values.boolean, default=False),
        window=_window(table.nested("window")),
        deeplink=table.optional("deeplink", values.link, None),
        estimated_seconds=table.optional("estimated_time", values.duration, 0),
        legacy_type=table.optional("legacy_type", values.legacy_type, 1),
        image_id=table.optional("image_id", values.u32, 0),
        status=table.optional("status", toml_measures.status, "active"),
        key=table.optional("key", values.label, None),
        user_filter=toml_measures.pairs(table.nested("user_filter")),
        is_base=table.optional("is_base", values.boolean, default=True),
        stores=toml_measures.pairs(table.nested("stores")),
    )
    table.report_unknown()
    return achievement, texts


def _media(table: Fields) -> MediaAsset:
    media = MediaAsset(
        name=table.required("name", values.label),
        kind=table.required("kind", values.label),
        url=table.required("url", values.url),
    )
    table.report_unknown()
    return media


def _requirement(table: Fields) -> Requirement:
    requirement = Requirement(
        id=table.required("id", values.guid),
        target=table.required("target", values.decimal),
        operation=table.optional("operation", values.operation, "Sum"),
        value_type=table.optional("value_type", values.value_type, "Integer"),
        participation=table.optional("participation", values.participation, "Individual"),
        measure=toml_measures.measure(table.nested("measure")),
    )
    table.report_unknown()
    return requirement


def _reward(table: Fields, number: int, texts: dict[str, str]) -> Reward:
    """A reward. Adds its name and description to `texts`."""
    kind = table.required("kind", values.reward_kind)
    media = table.nested("media")
    name = table.optional("name", values.text, "")
    description = table.optional("description", values.text, "")
    if table.is_valid:
        texts[model.reward_key(number, kind, "name")] = name
        texts[model.reward_key(number, kind, "description")] = description
    reward = Reward(
        kind=kind,
        value=table.required("value", values.gamerscore if kind == "Gamerscore" else values.link),
        value_type=table.optional("value_type", values.label, _default_value_type(kind)),
        media=None if media is None else _media(media),
    )
    table.report_unknown()
    return reward


def _window(table: Fields | None) -> Window | None:
    if table is None:
        return None
    opens = table.required("opens", values.moment)
    closes = table.required("closes", values.moment)
    table.report_unknown()
    if not table.is_valid:
        return None
    return Window(opens_at=opens[0], closes_at=closes[0], fraction_digits=max(opens[1], closes[1]))


def _default_value_type(kind: model.RewardKind) -> str:
    return "Int" if kind == "Gamerscore" else "String"


def _achievement_table(achievement: Achievement, texts: Mapping[str, str], defaults: dict[str, Any]) -> dict[str, Any]:
    """The TOML table of an achievement. Structs already leave out defaults; the members that differ are replaced here."""
    number = achievement.number
    members: dict[str, Any] = msgspec.to_builtins(achievement)
    for name, default in {**defaults, "public_id": str(number)}.items():
        if members[name] == default:
            del members[name]
    if achievement.estimated_seconds:
        members["estimated_time"] = values.duration_text(members.pop("estimated_seconds"))
    if achievement.window is not None:
        digits = achievement.window.fraction_digits
        ends = {"opens": achievement.window.opens_at, "closes": achievement.window.closes_at}
        members["window"] = {name: ticks.to_text(end, digits) for name, end in ends.items()}
    if achievement.requirements:
        members["requirements"] = [
            toml_measures.requirement_table(requirement) for requirement in achievement.requirements
        ]
    if achievement.user_filter:
        members["user_filter"] = dict(achievement.user_filter)
    if achievement.stores:
        members["stores"] = dict(achievement.stores)
    if achievement.rewards:
        members["rewards"] = [_reward_table(reward, number, texts) for reward in achievement.rewards]
    own_texts = {key.rpartition("/")[2]: texts.get(key, "") for key in achievement.text_keys()}
    return {"number": number, **own_texts, **members}


def _reward_table(reward: Reward, number: int, texts: Mapping[str, str]) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(reward)
    if reward.value_type == _default_value_type(reward.kind):
        del members["value_type"]
    keys = (model.reward_key(number, reward.kind, "name"), model.reward_key(number, reward.kind, "description"))
    return members | {key.rpartition("/")[2]: texts[key] for key in keys if key in texts}


def _shared(achievements: tuple[Achievement, ...]) -> dict[str, Any]:
    """The values that all achievements have in common, which are written once, as `[defaults]`."""
    products = {achievement.product_id for achievement in achievements}
    platforms = {achievement.platforms for achievement in achievements}
    shared: dict[str, set[Any]] = {"product_id": products, "platforms": platforms}
    return {name: next(iter(distinct)) for name, distinct in shared.items() if len(distinct) == 1}
