"""Write Partner Center's `localization.xml` and `achievements2017.xml` (`partner_center` reads them). Pure."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from service.core.catalog import text_keys
from service.core.catalog.model import Achievement, Draft, achievement_key
from service.core.formats.stores import epic, steam, store_ids
from service.core.validation.diagnostics import SourceLocation

LOCALIZATION, ACHIEVEMENTS = "localization.xml", "achievements2017.xml"
_NAMESPACE = "http://config.mgt.xboxlive.com/schema"
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_OTHER_STORES = (steam.PREFIX, epic.PREFIX)


def write_xbox(draft: Draft) -> dict[str, bytes]:
    """Both files by name, with strings and locales in alphabetical order: the same bytes for the same draft.

    Raises:
        InvalidCatalog: an achievement lacks one of its three texts in the default locale, the default locale has no
            language and region, two achievements have the same GUID, or a text has a character that XML does not allow.
    """
    location = SourceLocation(ACHIEVEMENTS)
    store_ids.by_name(((store_ids.xbox_guid(draft, item), item) for item in draft.achievements), location)
    default = draft.title.default_locale
    codes = store_ids.region_codes({default, *draft.texts}, default=default)
    if default not in codes:
        location.at("default_locale").report("locale", f"expected a default locale with a region, got {default}")
    for key in store_ids.xbox_string_ids(draft):
        if key not in draft.texts.get(default, {}):
            location.at(key).report("missing-text", "Xbox requires this text in the default locale")
    for _, key in _strings(draft):
        for locale in codes.keys() & draft.texts.keys():
            if _NOT_IN_XML.search(draft.texts[locale].get(key, "")):
                location.at(key).report("not-xml", f"the {locale} text has U+FFFE or U+FFFF, which XML does not allow")
    location.raise_errors()
    return {LOCALIZATION: _localization(draft, codes), ACHIEVEMENTS: _achievements(draft)}


def _localization(draft: Draft, codes: dict[str, str]) -> bytes:
    default = draft.title.default_locale
    root = ET.Element("Localization", xmlns=f"{_NAMESPACE}/localization/1")
    ET.SubElement(root, "DevDisplayLocale", locale=codes[default])
    for id_, key in sorted(_strings(draft)):
        string = ET.SubElement(root, "LocalizedString", id=id_)
        for code, locale in sorted((code, locale) for locale, code in codes.items()):
            if key in draft.texts.get(locale, {}):
                ET.SubElement(string, "Value", locale=code).text = draft.texts[locale][key]
    return _bytes(root)


def _strings(draft: Draft) -> Iterator[tuple[str, str]]:
    """The ids and text keys of all strings that have a text in the default locale, which Xbox requires."""
    for key, id_ in store_ids.xbox_string_ids(draft).items():
        yield id_, key
    for key in draft.texts.get(draft.title.default_locale, {}):
        if key.startswith(text_keys.STRING_PREFIX) and not key.startswith(_OTHER_STORES):
            yield key.removeprefix(text_keys.STRING_PREFIX), key


def _achievements(draft: Draft) -> bytes:
    ids = store_ids.xbox_string_ids(draft)
    root = ET.Element("Achievements2017", xmlns=f"{_NAMESPACE}/achievements2017/1")
    for achievement in draft.achievements:
        ET.SubElement(root, "Achievement").extend(_members(achievement, ids))
    return _bytes(root)


def _members(achievement: Achievement, ids: dict[str, str]) -> Iterator[ET.Element]:
    number = achievement.number
    yield _element("AchievementNameId", ids[achievement_key(number, "name")])
    yield _element("BaseAchievement", str(achievement.is_base).lower())
    yield _element("DisplayOrder", str(achievement.display_order))
    yield _element("LockedDescriptionId", ids[achievement_key(number, "locked_description")])
    rewards = ET.Element("Rewards")
    rewards.extend(
        _element("Gamerscore", reward.value) for reward in achievement.rewards if reward.kind == "Gamerscore"
    )
    yield rewards
    yield _element("UnlockedDescriptionId", ids[achievement_key(number, "description")])
    yield _element("IsHidden", str(achievement.is_secret).lower())
    yield _element("AchievementId", str(number))
    yield _element("IconImageId", store_ids.xbox_icon(achievement))


def _element(name: str, text: str) -> ET.Element:
    element = ET.Element(name)
    element.text = text
    return element


def _bytes(root: ET.Element) -> bytes:
    ET.indent(root)
    written: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{written}\n'.encode()
