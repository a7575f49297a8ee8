"""What stores call achievements and locales, where that differs from us: given in a definition, or made of it. Pure.

| store | an achievement is | given in `stores`, or by default |
|---|---|---|
| xbox | a GUID, in the ids of its three strings | made of the title's scid and the number |
| steam | a slot `stat_bit`, 32 bits a stat, fixed in Steam's back end | counted from the number: 1 is `1_0`, 33 is `2_0` |
| epic | a name | the public id |

Google Play has no ids: an achievement is its name in the default locale.
"""

import re
import uuid
from collections.abc import Iterable, Mapping

from service.core.catalog.model import Achievement, Draft, achievement_key
from service.core.languages.matching import maximize
from service.core.languages.negotiation import chain
from service.core.validation import values
from service.core.validation.diagnostics import InvalidValue, SourceLocation

STEAM_BITS = 32
_SLOT = re.compile("(?:0|[1-9][0-9]{0,8})_(?:[12]?[0-9]|3[01])")
_LANGUAGE_REGION = re.compile("[a-z]{2,3}-(?:[A-Z]{2}|[0-9]{3})")
_DIALECTS = 11  # in CLDR's units: only dialects of one language

STEAM_LANGUAGES = {  # of their partner documentation; which tags they mean is said by third parties only
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


def check(achievement: Achievement) -> Iterable[InvalidValue]:
    """What is wrong with the names that a definition gives."""
    readers = {"xbox": values.guid, "steam": _slot, "epic": values.label}
    for store, name in achievement.stores:
        if store not in readers:
            yield InvalidValue("unknown-store", f"expected {', '.join(readers)}, got {values.shown(store)}")
            continue
        try:
            readers[store](name)
        except InvalidValue as broken:
            yield broken


def xbox_guid(draft: Draft, achievement: Achievement) -> str:
    """The GUID in the ids of its strings."""
    made = f"{draft.title.scid}/{achievement.number}"
    return dict(achievement.stores).get("xbox") or str(uuid.uuid5(uuid.NAMESPACE_OID, made))


def xbox_icon(achievement: Achievement) -> str:
    """The GUID of its first picture: the picture's name, or made of its address."""
    picture = achievement.media[0]
    stem = picture.name.removesuffix(".png").lower()
    return stem if values.is_guid(stem) else str(uuid.uuid5(uuid.NAMESPACE_URL, picture.url))


def steam_slot(achievement: Achievement) -> str:
    """Its location among the achievements of the game in Steam's back end."""
    stat, bit = divmod(achievement.number - 1, STEAM_BITS)
    return dict(achievement.stores).get("steam") or f"{stat + 1}_{bit}"


def epic_name(achievement: Achievement) -> str:
    """What Epic's tools call it."""
    return dict(achievement.stores).get("epic") or achievement.public_id


def by_name(names: Iterable[tuple[str, Achievement]], location: SourceLocation) -> dict[str, Achievement]:
    """Achievements by what a store calls them.

    Raises:
        InvalidCatalog: two have one name there.
    """
    found: dict[str, Achievement] = {}
    for name, achievement in names:
        other = found.setdefault(name, achievement)
        if other is not achievement:
            there = location.at(f"achievement/{achievement.number}")
            there.report("two-of-a-name", f"achievement {other.number} has the name {values.shown(name)} there already")
    location.raise_errors()
    return found


def only_description(draft: Draft, achievement: Achievement) -> str:
    """The text key of what a store shows that has one description: how to earn it, or for a secret what was earned.

    It is the other one where the default locale has only that.
    """
    locked = achievement_key(achievement.number, "locked_description")
    unlocked = achievement_key(achievement.number, "description")
    best, other = (unlocked, locked) if achievement.is_secret else (locked, unlocked)
    default = draft.texts.get(draft.title.default_locale, {})
    return other if other in default and best not in default else best


def steam_languages(locales: Iterable[str]) -> dict[str, str]:
    """Locale → Steam's language, for each locale that Steam has a language for; no two have the same."""
    tags = tuple(STEAM_LANGUAGES.values())
    languages = {tag: language for language, tag in STEAM_LANGUAGES.items()}
    near: dict[str, list[str]] = {}
    for locale in sorted(locales):
        tag = _nearest(locale, tags)
        if tag is not None:
            near.setdefault(tag, []).append(locale)
    return {_nearest(tag, tuple(found)) or found[0]: languages[tag] for tag, found in near.items()}


def regional(locales: Iterable[str], *, default: str | None = None) -> dict[str, str]:
    """Locale → the same as language and region (`zh-Hans` → `zh-CN`), as Xbox wants it; no two have the same.

    Of two that would, the default locale has it, then the one that is spelled so.
    """
    found: dict[str, str] = {}
    for locale in sorted(locales, key=lambda tag: (tag != default, _LANGUAGE_REGION.fullmatch(tag) is None, tag)):
        maximized = maximize(locale)
        code = locale if _LANGUAGE_REGION.fullmatch(locale) else f"{maximized.language}-{maximized.region}"
        if _LANGUAGE_REGION.fullmatch(code) and code not in found.values():
            found[locale] = code
    return found


def ours(codes: Mapping[str, str]) -> dict[str, str]:
    """The other way: a store's code → our locale."""
    return {code: locale for locale, code in codes.items()}


def left_out(draft: Draft, codes: Mapping[str, str]) -> list[str]:
    """The locales that have texts and no location in a store's file."""
    return sorted(locale for locale, texts in draft.texts.items() if texts and locale not in codes)


def _nearest(wanted: str, offers: tuple[str, ...]) -> str | None:
    found = chain(wanted, country=None, locales=offers, default="", max_distance=_DIALECTS)[0]
    return found or None


def _slot(value: object) -> str:
    if not isinstance(value, str) or _SLOT.fullmatch(value) is None:
        raise InvalidValue("slot", f"expected stat and bit, such as 1_0 or 2_31, got {values.shown(value)}")
    return value
