"""Read definitions and a player's progress from a captured page of the live service (Xbox, contract 2). Pure.

Lenient only where the mocks of known clients and Microsoft's printed samples need it: `operationType` in any case or
absent, `valueType`, `platforms` and `mediaAsset` absent, `requirements` null, times with 0 to 7 digits of fraction.
Unknown members are ignored: the live service adds some (`rarity`).
"""

from collections.abc import Iterator
from typing import get_args

import msgspec

from service.core.catalog import model
from service.core.catalog.model import Achievement, Draft, MediaAsset, Requirement, Reward, Title, Window
from service.core.formats.syntax.fields import Fields
from service.core.formats.syntax.json_document import read_json
from service.core.validation import publish_rules, values
from service.core.validation.diagnostics import InvalidValue, SourceLocation

_operation = values.one_of(*get_args(model.Operation), any_case=True)
_value_type = values.one_of(*get_args(model.ValueType), any_case=True)
_state = values.one_of("NotStarted", "InProgress", "Achieved")


class ImportedProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of one player in one title, from one page.

    `unlocked` maps the number of an achievement to the ticks of its unlock; 0 if it is Achieved without a time.
    `currents` maps a number to the current value of each requirement, in their order and exactly as printed ("1.0624"),
    None where there is none; achievements without any value are left out.
    """

    title_id: int
    unlocked: dict[int, int]
    currents: dict[int, tuple[str | None, ...]]


def read_definitions(data: bytes, *, file: str, locale: str) -> list[Draft]:
    """A draft of each title on the page, with its texts in `locale`, which becomes its default locale.

    Raises:
        InvalidCatalog: the file is not such a page, or a value on it is invalid.
    """
    location = SourceLocation(file)
    language = location.read(values.locale, locale)
    achievements: dict[int, list[Achievement]] = {}
    titles: dict[int, tuple[str, str, str | None]] = {}
    texts: dict[int, dict[str, str]] = {}
    for item in _items(data, location):
        title_id, name, version = _association(item)
        title = (item.required("serviceConfigId", values.guid), name, version)
        achievement, achievement_texts = _achievement(item)
        if not item.is_valid:
            continue
        item.location.report_all(publish_rules.inconsistencies(achievement))
        item.location.report_all(_disagreements(titles.setdefault(title_id, title), title))
        earlier = achievements.setdefault(title_id, [])
        if any(achievement.number == other.number for other in earlier):
            item.location.report("duplicate-number", f"there is already an achievement {achievement.number}")
        earlier.append(achievement)
        texts.setdefault(title_id, {model.TITLE_NAME: name}).update(achievement_texts)
    location.raise_errors()
    return [
        Draft(
            title=Title(
                title_id=title_id,
                scid=scid,
                default_locale=language,
                platform=achievements[title_id][0].platforms[0],
                version=version,
            ),
            achievements=tuple(sorted(achievements[title_id], key=lambda achievement: achievement.number)),
            texts={language: {key: text for key, text in texts[title_id].items() if text}},
        )
        for title_id, (scid, _, version) in titles.items()
    ]


def read_progress(data: bytes, *, file: str) -> list[ImportedProgress]:
    """The progress of the page's player in each title, without achievements that were not started and have no value.

    Raises:
        InvalidCatalog: the file is not such a page, or a value of progress on it is invalid.
    """
    location = SourceLocation(file)
    progress: dict[int, ImportedProgress] = {}
    seen: set[tuple[int, int]] = set()
    for item in _items(data, location):
        title_id, _, _ = _association(item)
        number = item.required("id", values.identifier_text)
        state = item.required("progressState", _state)
        progression = item.nested("progression", required=True)
        if progression is None:
            continue
        unlocked_at, _ = (
            (0, 0) if state != "Achieved" else progression.required("timeUnlocked", values.moment) or (0, 0)
        )
        currents = tuple(
            requirement.optional("current", values.decimal, None) for requirement in progression.each("requirements")
        )
        if not item.is_valid:
            continue
        if (title_id, number) in seen:
            item.location.report("duplicate-number", f"there is already an achievement {number}")
        seen.add((title_id, number))
        title = progress.setdefault(title_id, ImportedProgress(title_id=title_id, unlocked={}, currents={}))
        if state == "Achieved":
            title.unlocked[number] = unlocked_at
        if any(current is not None for current in currents):
            title.currents[number] = currents
    location.raise_errors()
    return list(progress.values())


def _items(data: bytes, location: SourceLocation) -> Iterator[Fields]:
    """The achievements of a page, or the one achievement of the documented single response."""
    page = read_json(data, location)
    members = page if isinstance(page, dict) else {}
    items = members.get("achievements")
    if items is None and isinstance(members.get("achievement"), dict):
        yield Fields(members["achievement"], location.inside("achievement"))
        return
    if not isinstance(items, list):
        location.fail("not-a-page", _describe_other(members))
    if not items:
        location.fail("no-achievements", "the page has no achievements")
    if any(isinstance(item, dict) and ("unlocked" in item or "gamerscore" in item) for item in items):
        location.fail("xbox-360", "expected a page of contract 2, got one of contract 1 (Xbox 360)")
    for index, item in enumerate(items):
        yield Fields(item, location.inside("achievements").inside(index))


def _describe_other(members: dict[str, object]) -> str:
    if "titles" in members:
        return "expected a page of achievements, got a list of titles"
    return 'expected an object with "achievements": [ … ] or "achievement": { … }'


def _association(item: Fields) -> tuple[int, str, str | None]:
    """The first title that an achievement belongs to: id, name and version."""
    associations = [
        (
            title.required("id", values.identifier),
            title.required("name", values.text),
            title.optional("version", values.label, None),
        )
        for title in item.each("titleAssociations", required=True)
    ]
    if not associations and item.has("titleAssociations") and item.is_valid:
        item.location.inside("titleAssociations").report("missing-member", "expected at least one title")
    return associations[0] if associations else (0, "", None)


def _disagreements(first: tuple[str, str, str | None], other: tuple[str, str, str | None]) -> Iterator[InvalidValue]:
    members = (("scid", "service configurations"), ("title-name", "names"), ("title-version", "versions"))
    for (rule, name), value, other_value in zip(members, first, other, strict=True):
        if value != other_value:
            message = f"one title with two {name}: {values.shown(value)} and {values.shown(other_value)}"
            yield InvalidValue(f"two-{rule}s", message)


def _achievement(item: Fields) -> tuple[Achievement, dict[str, str]]:
    """An achievement and its texts. Only meaningful if the item is valid."""
    number = item.required("id", values.identifier_text)
    texts = {
        model.achievement_key(number, "name"): item.required("name", values.text),
        model.achievement_key(number, "description"): item.required("description", values.text),
        model.achievement_key(number, "locked_description"): item.required("lockedDescription", values.text),
    }
    progression = item.nested("progression", required=True)
    achievement = Achievement(
        number=number,
        public_id=str(number),
        product_id=item.required("productId", values.guid),
        platforms=_platforms(item),
        media=tuple(_media(media) for media in item.each("mediaAssets", required=True)),
        requirements=()
        if progression is None
        else tuple(_requirement(requirement) for requirement in progression.each("requirements")),
        rewards=tuple(_reward(reward, number, texts) for reward in item.each("rewards", required=True)),
        kind=item.required("achievementType", values.kind),
        participation=item.required("participationType", values.participation),
        is_secret=item.required("isSecret", values.boolean),
        is_revoked=item.required("isRevoked", values.boolean),
        window=_window(item.nested("timeWindow")),
        deeplink=item.optional("deeplink", values.link, None),
        estimated_seconds=item.required("estimatedTime", values.duration),
    )
    return achievement, texts


def _platforms(item: Fields) -> tuple[str, ...]:
    platforms = item.list_of("platforms", values.label)
    return (item.required("platform", values.label),) if platforms is None else platforms


def _media(media: Fields) -> MediaAsset:
    return MediaAsset(
        name=media.required("name", values.label),
        kind=media.required("type", values.label),
        url=media.required("url", values.url),
    )


def _requirement(requirement: Fields) -> Requirement:
    return Requirement(
        id=requirement.required("id", values.guid),
        target=requirement.required("target", values.decimal),
        operation=requirement.optional("operationType", _operation, "Sum"),
        value_type=requirement.optional("valueType", _value_type, "Integer"),
        participation=requirement.optional("ruleParticipationType", values.participation, "Individual"),
    )


def _reward(reward: Fields, number: int, texts: dict[str, str]) -> Reward:
    """A reward. Adds its name and description to `texts`."""
    kind = reward.required("type", values.reward_kind)
    media = reward.nested("mediaAsset")
    name = reward.optional("name", values.text, "")
    description = reward.optional("description", values.text, "")
    if reward.is_valid:
        texts[model.reward_key(number, kind, "name")] = name
        texts[model.reward_key(number, kind, "description")] = description
    return Reward(
        kind=kind,
        value=reward.required("value", values.gamerscore if kind == "Gamerscore" else values.link),
        value_type=reward.required("valueType", values.label),
        media=None if media is None else _media(media),
    )


def _window(window: Fields | None) -> Window | None:
    if window is None:
        return None
    opens = window.required("startDate", values.moment)
    closes = window.required("endDate", values.moment)
    if not window.is_valid:
        return None
    return Window(opens_at=opens[0], closes_at=closes[0], fraction_digits=max(opens[1], closes[1]))
