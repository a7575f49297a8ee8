"""Partner Center's two files: `localization.xml`, and `achievements2017.xml` that joins to it by string id. Pure.

Strings that belong to no achievement (presence, statistics) survive as texts with the key `string/<id>`. Namespaces
are accepted with http and with https, because Microsoft's documents and files differ. Problems that Partner Center
has words for are told in its words. The schemas themselves are not public: unknown elements are refused, so that
nothing is lost unseen.
"""

import re
from collections.abc import Iterator

import msgspec

from service.core.catalog import model
from service.core.catalog.model import Achievement, Draft, MediaAsset, Requirement, Reward, Title
from service.core.formats.syntax.xml_tree import Element, read_xml
from service.core.validation import publish_rules, store_ids, values
from service.core.validation.diagnostics import InvalidValue, SourceLocation

ICON_BASE_URL = "https://localhost/icons/"  # names no real host: an icon's own address is not in the file
PERCENT = Requirement(id="00000000-0000-0000-0000-000000000000", target="100", operation="Maximum")
"""What every achievement of this kind asks for: the title reports a percentage (POST …/update, `percentComplete`)."""

STRING_IDS = {  # what comes before the GUID of an achievement in the ids of its strings, and which text each is
    "AchievementNameId_": "name",
    "UnlockedDescriptionId_": "description",
    "LockedDescriptionId_": "locked_description",
}

_NAMESPACE = re.compile("https?://config\\.mgt\\.xboxlive\\.com/schema/(localization|achievements2017)/1")
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
    """Strings by id, and per string its text by canonical locale. Every string has one in `dev_display_locale`.

    `lines` says where each string begins.
    """

    dev_display_locale: str
    strings: dict[str, dict[str, str]]
    lines: dict[str, int]


class ListedAchievement(msgspec.Struct, frozen=True, kw_only=True):
    """One achievement of `achievements2017.xml`: its three string ids, and where in the file it stands."""

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
        """The GUID in the ids of its strings; None if they are not as Partner Center makes them."""
        guid = self.name_id.rpartition("_")[2].lower()
        ids = (self.name_id, self.unlocked_description_id, self.locked_description_id)
        made = [f"{prefix}{guid}".lower() for prefix in STRING_IDS]
        return guid if values.is_guid(guid) and [id_.lower() for id_ in ids] == made else None


def read_localization(data: bytes, *, file: str) -> Localization:
    """The strings of a `localization.xml`. Without a `DevDisplayLocale` the documented default, en-US, is taken.

    Raises:
        InvalidCatalog: the file is no such file, or breaks one of its rules.
    """
    location = SourceLocation(file)
    root = _root(data, "Localization", location)
    default = "en-US"
    strings: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for element in _children(root, {"DevDisplayLocale", "LocalizedString"}, location):
        there = location.at(element.name, element.line)
        if element.name == "DevDisplayLocale":
            default = there.read(_locale, element.attributes.get("locale", ""))
            continue
        id_ = there.read(values.label, element.attributes.get("id", ""))
        if id_ in strings:
            there.report("duplicate-string", f"the string {id_} already stands at line {lines[id_]}")
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
        InvalidCatalog: the file is no such file, holds no achievement, or breaks one of its rules.
    """
    location = SourceLocation(file)
    root = _root(data, "Achievements2017", location)
    found: dict[int, ListedAchievement] = {}
    for element in _children(root, {"Achievement"}, location):
        listed = _listed(element, location.at("Achievement", element.line))
        if listed.number and listed.number in found:
            there = location.at("AchievementId", element.line)
            there.report("duplicate-number", f"there is already an achievement {listed.number}")
        found[listed.number] = listed
    if not found:
        location.report("no-achievements", "the file holds no achievements")
    location.raise_errors()
    return list(found.values())


def text_keys(achievements: list[ListedAchievement]) -> dict[str, tuple[str, ...]]:
    """Which texts of ours each string id stands for; one string may serve several."""
    found: dict[str, tuple[str, ...]] = {}
    for listed in achievements:
        for id_, field in (
            (listed.name_id, "name"),
            (listed.unlocked_description_id, "description"),
            (listed.locked_description_id, "locked_description"),
        ):
            found[id_] = (*found.get(id_, ()), f"achievement/{listed.number}/{field}")
    return found


def texts_of(localization: Localization, achievements: list[ListedAchievement]) -> dict[str, dict[str, str]]:
    """The strings as our texts: locale → key → text. What belongs to no achievement gets the key `string/<id>`."""
    keys = text_keys(achievements)
    texts: dict[str, dict[str, str]] = {localization.dev_display_locale: {}}
    for id_, translations in localization.strings.items():
        for locale, text in translations.items():
            of_locale = texts.setdefault(locale, {})
            of_locale.update(dict.fromkeys(keys.get(id_, (publish_rules.STRING_PREFIX + id_,)), text))
    return texts


def join(
    localization: Localization,
    achievements: list[ListedAchievement],
    *,
    file: str,
    title_id: int,
    scid: str,
    product_id: str,
    title_name: str | None = None,
    platforms: tuple[str, ...] = ("XboxOne",),
    icon_base_url: str = ICON_BASE_URL,
) -> Draft:
    """Both files as one draft. What they do not hold is given: the title's ids and name, the product and platforms.

    `file` is the name of the file of achievements. An icon's address is `icon_base_url`, its id and `.png`.

    Raises:
        InvalidCatalog: a string id of an achievement is not among the strings, or what was given is wrong.
    """
    location = SourceLocation(file)
    given = location.at("title")
    title = Title(
        title_id=given.read(values.identifier, title_id),
        scid=given.read(values.guid, scid),
        default_locale=localization.dev_display_locale,
        platform=given.read(values.label, platforms[0] if platforms else ""),
    )
    product = location.at("product_id").read(values.guid, product_id)
    location.at("icon_base_url").read(values.url, icon_base_url)
    texts = texts_of(localization, achievements)
    if title_name:
        name = given.read(values.text, title_name)
        texts[title.default_locale][model.TITLE_NAME] = name
    for listed in achievements:
        there = location.at(f"achievement/{listed.number}", listed.line)
        there.report_all(_missing(listed, localization))
    location.raise_errors()
    found = (_achievement(listed, product, platforms, icon_base_url) for listed in achievements)
    return Draft(title=title, achievements=tuple(sorted(found, key=lambda one: one.number)), texts=texts)


def _achievement(listed: ListedAchievement, product: str, platforms: tuple[str, ...], icon_base: str) -> Achievement:
    icon = f"{listed.icon_id}.png"
    points = () if listed.gamerscore is None else (str(listed.gamerscore),)
    return Achievement(
        number=listed.number,
        public_id=str(listed.number),
        product_id=product,
        platforms=platforms,
        media=(MediaAsset(name=icon, kind="Icon", url=icon_base + icon),),
        requirements=(PERCENT,),
        rewards=tuple(Reward(kind="Gamerscore", value=value, value_type="Int") for value in points),
        display_order=listed.display_order,
        is_secret=listed.is_secret,
        is_base=listed.is_base,
        stores=() if listed.guid is None else (("xbox", listed.guid),),
    )


def onto(new: Draft, known: Draft) -> Draft:
    """A joined draft as changes of a title that is here: what Partner Center's files do not hold is as it was."""
    ours = store_ids.ours(store_ids.regional(known.texts, default=known.title.default_locale))
    before = {achievement.number: achievement for achievement in known.achievements}
    achievements = [_kept(one, before[one.number], known) if one.number in before else one for one in new.achievements]
    texts = {ours.get(locale, locale): found for locale, found in new.texts.items()}
    return msgspec.structs.replace(new, achievements=tuple(achievements), texts=texts)


def _kept(new: Achievement, old: Achievement, known: Draft) -> Achievement:
    others = tuple(reward for reward in old.rewards if reward.kind != "Gamerscore")
    points = tuple(reward for reward in old.rewards if reward.kind == "Gamerscore")
    same_points = new.gamerscore == old.gamerscore and bool(points) == bool(new.rewards)
    same_icon = f"{store_ids.xbox_icon(old)}.png" == new.media[0].name
    same_guid = dict(new.stores).get("xbox") == store_ids.xbox_guid(known, old)
    return msgspec.structs.replace(
        old,
        media=old.media if same_icon else (*new.media, *old.media[1:]),
        rewards=old.rewards if same_points else (*new.rewards, *others),
        is_secret=new.is_secret,
        is_base=new.is_base,
        stores=old.stores if same_guid else new.stores,
    )


def _missing(listed: ListedAchievement, localization: Localization) -> Iterator[InvalidValue]:
    for id_ in (listed.name_id, listed.unlocked_description_id, listed.locked_description_id):
        if id_ not in localization.strings:
            yield InvalidValue("unknown-string", f"there is no LocalizedString with the id {values.shown(id_)}")


def _root(data: bytes, name: str, location: SourceLocation) -> Element:
    root = read_xml(data, location)
    match = _NAMESPACE.fullmatch(root.namespace)
    if root.name != name or match is None or match[1] != name.lower():
        expected = f"http://config.mgt.xboxlive.com/schema/{name.lower()}/1"
        came = f"<{root.name[:64]}> in {values.shown(root.namespace)}"
        location.at(None, root.line).fail("unknown-format", f"expected <{name}> in {expected}, got {came}")
    return root


def _children(parent: Element, known: set[str], location: SourceLocation) -> Iterator[Element]:
    """The children of a parent that holds elements only, with everything else noted."""
    expected = ", ".join(sorted(known))
    there = location.at(location.key or parent.name, parent.line)
    if parent.text.strip():
        message = f"The element {parent.name} cannot contain text. List of possible elements expected: {expected}"
        there.report("text-in-element", f"Failed XSD Validation: {message}")
    for child in parent.children:
        if child.name in known and child.namespace == parent.namespace:
            yield child
        else:
            message = f"<{child.name[:64]}> is not an element of {parent.name}; expected: {expected}"
            location.at(location.key or parent.name, child.line).report("unknown-element", message)


def _texts(string: Element, location: SourceLocation) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in _children(string, {"Value"}, location):
        there = location.at(location.key, value.line)
        text = there.read(values.text, _own_text(value, there))
        locale = there.read(_locale, value.attributes.get("locale", ""))
        if locale in found:
            there.report("duplicate-locale", f"the string already has a text in {locale}")
        if text:
            found[locale] = text
    return found


def _locale(value: object) -> str:
    if not isinstance(value, str) or _LANGUAGE_REGION.fullmatch(value) is None:
        shown = values.shown(value)
        message = f"The locale attribute is invalid: {shown} is no language-REGION such as fr-FR"
        raise InvalidValue("locale", f"{message} (Pattern constraint failed)")
    return values.locale(value)


def _listed(element: Element, location: SourceLocation) -> ListedAchievement:
    members: dict[str, Element] = {}
    for child in _children(element, _MEMBERS, location):
        if child.name in members:
            location.at(child.name, child.line).report("duplicate-element", f"<{child.name}> stands twice")
        members[child.name] = child

    def text(name: str, default: str = "") -> str:
        return _own_text(members[name], location.at(name, members[name].line)).strip() if name in members else default

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
    found: list[int] = []
    if rewards is not None:
        for element in _children(rewards, {"Gamerscore"}, location.at("Rewards", rewards.line)):
            there = location.at("Gamerscore", element.line)
            if found:
                there.report("two-rewards", "there can be one reward of each kind")
            found.append(there.read(values.u32_text, _own_text(element, there).strip()))
    return found[0] if found else None


def _own_text(element: Element, location: SourceLocation) -> str:
    """The text of an element that holds nothing else."""
    for child in element.children:
        message = f"<{child.name[:64]}> is not an element of {element.name}; expected: text"
        location.at(location.key, child.line).report("unknown-element", message)
    return element.text
