"""The identifiers of achievements and locales in other stores: those of a definition, or derived ones. Pure.

| store | identifier of an achievement | default, if the definition's `stores` has none |
|---|---|---|
| xbox | a GUID, part of the ids of its three strings | a UUID (version 5) of the title's scid and the number |
| steam | a slot `stat_bit`, 32 bits per stat, fixed in Steam's back end | by number: 1 is `1_0`, 33 is `2_0` |
| epic | a name | the public id |

Google Play has no identifiers: an achievement is identified by its name in the default locale.
"""

import re
import uuid
from collections.abc import Iterable, Mapping

from service.core.catalog.model import Achievement, Draft, achievement_key
from service.core.languages.matching import maximize
from service.core.languages.negotiation import chain
from service.core.validation import values
from service.core.validation.diagnostics import SourceLocation

STEAM_BITS = 32
_LANGUAGE_REGION = re.compile("[a-z]{2,3}-(?:[A-Z]{2}|[0-9]{3})")
_MAX_DISTANCE = 11  # in CLDR's units: only dialects of the same language

STEAM_LANGUAGES = {  # names: Steam's partner documentation; their language tags: only known from third parties
    "arabic": "ar",
    "brazilian": "pt-BR",
    "bulgarian": "bg",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hungarian": "hu",
    "italian": "it",
    "japanese": "ja",
    "koreana": "ko",
    "latam": "es-419",
    "norwegian": "no",
    "polish": "pl",
    "portuguese": "pt-PT",
    "romanian": "ro",
    "russian": "ru",
    "schinese": "zh-Hans",
    "spanish": "es-ES",
    "swedish": "sv",
    "tchinese": "zh-Hant",
    "thai": "th",
    "turkish": "tr",
    "ukrainian": "uk",
    "vietnamese": "vi",
}


XBOX_STRING_PREFIXES = {  # of the ids of an achievement's strings, before its GUID, with the field of each text
    "AchievementNameId_": "name",
    "UnlockedDescriptionId_": "description",
    "LockedDescriptionId_": "locked_description",
}


def xbox_guid(draft: Draft, achievement: Achievement) -> str:
    """The GUID in the ids of its strings."""
    name = f"{draft.title.scid}/{achievement.number}"
    return dict(achievement.stores).get("xbox") or str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def xbox_string_ids(draft: Draft) -> dict[str, str]:
    """Text key → id of the string in `localization.xml`, in the order of the achievements."""
    return {
        f"achievement/{achievement.number}/{field}": prefix + xbox_guid(draft, achievement)
        for achievement in draft.achievements
        for prefix, field in XBOX_STRING_PREFIXES.items()
    }


def xbox_icon(achievement: Achievement) -> str:
    """The GUID of its first picture: the name of the picture if it is one, else a UUID of its address."""
    picture = achievement.media[0]
    stem = picture.name.removesuffix(".png").lower()
    return stem if values.is_guid(stem) else str(uuid.uuid5(uuid.NAMESPACE_URL, picture.url))


def steam_slot(achievement: Achievement) -> str:
    """Its slot in Steam's back end."""
    stat, bit = divmod(achievement.number - 1, STEAM_BITS)
    return dict(achievement.stores).get("steam") or f"{stat + 1}_{bit}"


def epic_name(achievement: Achievement) -> str:
    """Its name in Epic's tools."""
    return dict(achievement.stores).get("epic") or achievement.public_id


def by_name(names: Iterable[tuple[str, Achievement]], location: SourceLocation) -> dict[str, Achievement]:
    """Achievements by their identifiers in a store.

    Raises:
        InvalidCatalog: two achievements have the same.
    """
    achievements: dict[str, Achievement] = {}
    for name, achievement in names:
        first = achievements.setdefault(name, achievement)
        if first is not achievement:
            message = f"achievement {first.number} already has the name {values.shown(name)} in the store"
            location.at(f"achievement/{achievement.number}").report("two-of-a-name", message)
    location.raise_errors()
    return achievements


def only_description(draft: Draft, achievement: Achievement) -> str:
    """The text key of the description for a store that has only one: the locked one, or of a secret the unlocked one.

    It is the other one if the default locale has only that.
    """
    locked = achievement_key(achievement.number, "locked_description")
    unlocked = achievement_key(achievement.number, "description")
    preferred, other = (unlocked, locked) if achievement.is_secret else (locked, unlocked)
    default = draft.texts.get(draft.title.default_locale, {})
    return other if other in default and preferred not in default else preferred


def steam_languages(locales: Iterable[str]) -> dict[str, str]:
    """Locale → language of Steam, for the locales that Steam has one for. Each language is used once."""
    tags = tuple(STEAM_LANGUAGES.values())
    languages = {tag: language for language, tag in STEAM_LANGUAGES.items()}
    candidates: dict[str, list[str]] = {}
    for locale in sorted(locales):
        tag = _nearest(locale, tags)
        if tag is not None:
            candidates.setdefault(tag, []).append(locale)
    return {_nearest(tag, tuple(near)) or near[0]: languages[tag] for tag, near in candidates.items()}


def region_codes(locales: Iterable[str], *, default: str | None = None) -> dict[str, str]:
    """Locale → language and region (`zh-Hans` → `zh-CN`), as Xbox requires it. Each code is used once.

    Of two locales with the same code, the default locale gets it, then the one that is spelled like the code.
    """
    codes: dict[str, str] = {}
    for locale in sorted(locales, key=lambda tag: (tag != default, _LANGUAGE_REGION.fullmatch(tag) is None, tag)):
        maximized = maximize(locale)
        code = locale if _LANGUAGE_REGION.fullmatch(locale) else f"{maximized.language}-{maximized.region}"
        if _LANGUAGE_REGION.fullmatch(code) and code not in codes.values():
            codes[locale] = code
    return codes


def locales_by_code(codes: Mapping[str, str]) -> dict[str, str]:
    """The inverse mapping: code of a store → locale."""
    return {code: locale for locale, code in codes.items()}


def locales_without_code(draft: Draft, codes: Mapping[str, str]) -> list[str]:
    """The locales with texts that a store has no code for, so that its file cannot hold them."""
    return sorted(locale for locale, texts in draft.texts.items() if texts and locale not in codes)


def _nearest(locale: str, offers: tuple[str, ...]) -> str | None:
    best = chain(locale, country=None, locales=offers, default="", max_distance=_MAX_DISTANCE)[0]
    return best or None
