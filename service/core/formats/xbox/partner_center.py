"""Read Partner Center's `localization.xml` and `achievements2017.xml` (`partner_center_draft` joins them). Pure.

Namespaces may begin with http or https, because Microsoft's documentation and files differ. Where Partner Center has
a message for an error, it is used. The schemas are not public: unknown elements are errors, so that nothing is lost.
"""

import re
from collections.abc import Iterator

import msgspec

from service.core.formats.stores import store_ids
from service.core.formats.syntax.xml_tree import Element, read_xml
from service.core.validation import values
from service.core.validation.diagnostics import InvalidValue, SourceLocation

_NAMESPACE = re.compile("https?://config\\.mgt\\.xboxlive\\.com/schema/(localization|achievements2017)/1")
_ROOT = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?(Localization|Achievements2017)[\s/>]")
_LANGUAGE_REGION = re.compile("[A-Za-z]{2,3}-([A-Za-z]{2}|[0-9]{3})")
_MEMBERS = {
    "AchievementNameId",
    "LockedDescriptionId",
    "UnlockedDescriptionId",
    "AchievementId",
    "IconImageId",
    "DisplayOrder",
    "IsHidden",
    "Rewards",
    "BaseAchievement",
}


class Localization(msgspec.Struct, frozen=True, kw_only=True):
    """The strings of a file: string id → canonical locale → text. Each has a text in `dev_display_locale`.

    `lines` gives the line of each string by its id.
    """

    dev_display_locale: str
    strings: dict[str, dict[str, str]]
    lines: dict[str, int]


class ListedAchievement(msgspec.Struct, frozen=True, kw_only=True):
    """One achievement of `achievements2017.xml`, with the ids of its three strings and its line in the file."""

    number: int
    name_id: str
    locked_description_id: str
    unlocked_description_id: str
    icon_id: str
    display_order: int
    is_secret: bool
    gamerscore: int | None
    is_base: bool
    line: int

    @property
    def guid(self) -> str | None:
        """The GUID in the ids of its strings, None if the ids are not in the form that Partner Center gives them."""
        guid = self.name_id.rpartition("_")[2].lower()
        usual = [f"{prefix}{guid}".lower() for prefix in store_ids.XBOX_STRING_PREFIXES]
        return guid if values.is_guid(guid) and [id_.lower() for id_ in self.string_ids] == usual else None

    @property
    def string_ids(self) -> tuple[str, str, str]:
        """The ids of its name, unlocked description and locked description."""
        return self.name_id, self.unlocked_description_id, self.locked_description_id


def root_name(start: bytes) -> str | None:
    """The name of the root element if it is that of one of the two files, by the start of the file."""
    match = _ROOT.search(start)
    return None if match is None else match[1].decode()


def read_localization(data: bytes, *, file: str) -> Localization:
    """The strings of a `localization.xml`. Without a `DevDisplayLocale` it is the documented default, en-US.

    Raises:
        InvalidCatalog: the file is not a valid `localization.xml`.
    """
    location = SourceLocation(file)
    root = _root(data, "Localization", location)
    default = "en-US"
    strings: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for element in _children(root, {"DevDisplayLocale", "LocalizedString"}, location):
        element_location = location.at(element.name, element.line)
        if element.name == "DevDisplayLocale":
            default = element_location.read(_locale, element.attributes.get("locale", ""))
            continue
        id_ = element_location.read(values.label, element.attributes.get("id", ""))
        if id_ in strings:
            element_location.report("duplicate-string", f"the string {id_} is already at line {lines[id_]}")
        strings[id_] = _texts(element, location.at(id_, element.line))
        lines[id_] = element.line
    for id_, texts in strings.items():
        if default not in {None, *texts}:
            message = f"Localization string is missing an entry for the developer display locale, {default}"
            location.at(id_, lines[id_]).report("no-developer-locale", message)
    location.raise_errors()
    return Localization(dev_display_locale=default, strings=strings, lines=lines)


def read_achievements2017(data: bytes, *, file: str) -> list[ListedAchievement]:
    """The achievements of an `achievements2017.xml`, in the order of the file.

    Raises:
        InvalidCatalog: the file is not a valid `achievements2017.xml` or has no achievements.
    """
    location = SourceLocation(file)
    root = _root(data, "Achievements2017", location)
    achievements: dict[int, ListedAchievement] = {}
    for element in _children(root, {"Achievement"}, location):
        listed = _listed(element, location.at("Achievement", element.line))
        if listed.number and listed.number in achievements:
            message = f"there is already an achievement {listed.number}"
            location.at("AchievementId", element.line).report("duplicate-number", message)
        achievements[listed.number] = listed
    if not achievements:
        location.report("no-achievements", "the file has no achievements")
    location.raise_errors()
    return list(achievements.values())


def _root(data: bytes, name: str, location: SourceLocation) -> Element:
    root = read_xml(data, location)
    match = _NAMESPACE.fullmatch(root.namespace)
    if root.name != name or match is None or match[1] != name.lower():
        expected = f"http://config.mgt.xboxlive.com/schema/{name.lower()}/1"
        got = f"<{root.name[:64]}> in {values.shown(root.namespace)}"
        location.at(None, root.line).fail("unknown-format", f"expected <{name}> in {expected}, got {got}")
    return root


def _children(parent: Element, known: set[str], location: SourceLocation) -> Iterator[Element]:
    """The known children of an element that contains only elements; anything else in it is reported."""
    expected = ", ".join(sorted(known))
    if parent.text.strip():
        message = f"The element {parent.name} cannot contain text. List of possible elements expected: {expected}"
        parent_location = location.at(location.key or parent.name, parent.line)
        parent_location.report("text-in-element", f"Failed XSD Validation: {message}")
    for child in parent.children:
        if child.name in known and child.namespace == parent.namespace:
            yield child
        else:
            message = f"<{child.name[:64]}> is not an element of {parent.name}; expected: {expected}"
            location.at(location.key or parent.name, child.line).report("unknown-element", message)


def _texts(string: Element, location: SourceLocation) -> dict[str, str]:
    texts: dict[str, str] = {}
    for value in _children(string, {"Value"}, location):
        value_location = location.at(location.key, value.line)
        text = value_location.read(values.text, _text(value, value_location))
        locale = value_location.read(_locale, value.attributes.get("locale", ""))
        if locale in texts:
            value_location.report("duplicate-locale", f"the string already has a text in {locale}")
        if text:
            texts[locale] = text
    return texts


def _locale(value: object) -> str:
    if not isinstance(value, str) or _LANGUAGE_REGION.fullmatch(value) is None:
        shown = values.shown(value)
        message = f"The locale attribute is invalid: expected language-REGION such as fr-FR, got {shown}"
        raise InvalidValue("locale", f"{message} (Pattern constraint failed)")
    return values.locale(value)


def _listed(element: Element, location: SourceLocation) -> ListedAchievement:
    members: dict[str, Element] = {}
    for child in _children(element, _MEMBERS, location):
        if child.name in members:
            location.at(child.name, child.line).report("duplicate-element", f"expected one <{child.name}>, got two")
        members[child.name] = child

    def text(name: str, default: str = "") -> str:
        return _text(members[name], location.at(name, members[name].line)).strip() if name in members else default

    def at(name: str) -> SourceLocation:
        return location.at(name, members[name].line if name in members else element.line)

    return ListedAchievement(
        number=at("AchievementId").read(values.identifier_text, text("AchievementId")),
        name_id=at("AchievementNameId").read(values.label, text("AchievementNameId")),
        locked_description_id=at("LockedDescriptionId").read(values.label, text("LockedDescriptionId")),
        unlocked_description_id=at("UnlockedDescriptionId").read(values.label, text("UnlockedDescriptionId")),
        icon_id=at("IconImageId").read(values.guid, text("IconImageId")),
        display_order=at("DisplayOrder").read(values.u32_text, text("DisplayOrder", "0")),
        is_secret=at("IsHidden").read(values.one_of("true", "false"), text("IsHidden", "false")) == "true",
        gamerscore=_gamerscore(members.get("Rewards"), location),
        is_base=at("BaseAchievement").read(values.one_of("true", "false"), text("BaseAchievement", "true")) == "true",
        line=element.line,
    )


def _gamerscore(rewards: Element | None, location: SourceLocation) -> int | None:
    amounts: list[int] = []
    if rewards is not None:
        for element in _children(rewards, {"Gamerscore"}, location.at("Rewards", rewards.line)):
            element_location = location.at("Gamerscore", element.line)
            if amounts:
                element_location.report("two-rewards", "expected one reward of each kind")
            amounts.append(element_location.read(values.u32_text, _text(element, element_location).strip()))
    return amounts[0] if amounts else None


def _text(element: Element, location: SourceLocation) -> str:
    """The text of an element; child elements are reported."""
    for child in element.children:
        message = f"<{child.name[:64]}> is not an element of {element.name}; expected: text"
        location.at(location.key, child.line).report("unknown-element", message)
    return element.text
