"""Join Partner Center's two files by string id, as a draft of a new title or as changes of a known one. Pure.

Strings that belong to no achievement (presence, statistics) become texts with the key `string/<id>`.
"""

from collections.abc import Iterator, Mapping

import msgspec

from service.core.catalog import model, text_keys
from service.core.catalog.model import Achievement, Draft, MediaAsset, Requirement, Reward, Title
from service.core.formats.entry import Entry
from service.core.formats.stores import store_ids
from service.core.formats.xbox import partner_center
from service.core.formats.xbox.partner_center import ListedAchievement, Localization
from service.core.validation import values
from service.core.validation.diagnostics import InvalidValue, SourceLocation

ICON_BASE_URL = "https://localhost/icons/"  # no real host: the file has no addresses of icons
PERCENT = Requirement(id="00000000-0000-0000-0000-000000000000", target="100", operation="Maximum")
"""The requirement of every such achievement: the title reports a percentage (POST …/update, `percentComplete`)."""


def read_entries(files: Mapping[str, bytes], *, draft: Draft) -> list[Entry]:
    """The texts of the files by name, any number of each. `draft` says which string is which if no file does.

    Raises:
        InvalidCatalog: a file is not valid.
    """
    listed: list[ListedAchievement] = []
    localizations: list[Localization] = []
    for name, data in files.items():
        if partner_center.root_name(data) == "Achievements2017":
            listed += partner_center.read_achievements2017(data, file=name)
        else:
            localizations.append(partner_center.read_localization(data, file=name))
    keys: dict[str, tuple[str, ...]] = {id_.lower(): (key,) for key, id_ in store_ids.xbox_string_ids(draft).items()}
    keys |= {id_.lower(): listed_keys for id_, listed_keys in _keys_by_string_id(listed).items()}
    locales = _locales_by_code(draft)
    return [
        Entry(
            key=key,
            locale=locales.get(locale, locale),
            text=text,
            line=localization.lines[id_],
            source=texts.get(localization.dev_display_locale),
        )
        for localization in localizations
        for id_, texts in localization.strings.items()
        for locale, text in texts.items()
        for key in keys.get(id_.lower(), (text_keys.STRING_PREFIX + id_,))
    ]


def build_draft(
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
    """A draft of both files. The arguments supply what the files do not hold.

    `file` is the name of the file of achievements. The address of an icon is `icon_base_url`, its id and `.png`.

    Raises:
        InvalidCatalog: a string id of an achievement is not among the strings, or an argument is invalid.
    """
    location = SourceLocation(file)
    title_location = location.at("title")
    title = Title(
        title_id=title_location.read(values.identifier, title_id),
        scid=title_location.read(values.guid, scid),
        default_locale=localization.dev_display_locale,
        platform=title_location.read(values.label, platforms[0] if platforms else ""),
    )
    product = location.at("product_id").read(values.guid, product_id)
    location.at("icon_base_url").read(values.url, icon_base_url)
    texts = _texts_by_locale(localization, achievements)
    if title_name:
        texts[title.default_locale][model.TITLE_NAME] = title_location.read(values.text, title_name)
    for listed in achievements:
        location.at(f"achievement/{listed.number}", listed.line).report_all(_missing_strings(listed, localization))
    location.raise_errors()
    built = (_achievement(listed, product, platforms, icon_base_url) for listed in achievements)
    return Draft(title=title, achievements=tuple(sorted(built, key=lambda item: item.number)), texts=texts)


def keep_known(new: Draft, known: Draft) -> Draft:
    """A draft of both files as changes of a known title: values that the files do not hold stay as they are."""
    locales = _locales_by_code(known)
    before = {achievement.number: achievement for achievement in known.achievements}
    achievements = [
        _keep_known_values(achievement, before[achievement.number], known)
        if achievement.number in before
        else achievement
        for achievement in new.achievements
    ]
    texts = {locales.get(locale, locale): texts for locale, texts in new.texts.items()}
    return msgspec.structs.replace(new, achievements=tuple(achievements), texts=texts)


def _keep_known_values(new: Achievement, old: Achievement, known: Draft) -> Achievement:
    other_rewards = tuple(reward for reward in old.rewards if reward.kind != "Gamerscore")
    had_gamerscore = len(other_rewards) < len(old.rewards)
    same_rewards = new.gamerscore == old.gamerscore and had_gamerscore == bool(new.rewards)
    same_icon = f"{store_ids.xbox_icon(old)}.png" == new.media[0].name
    same_guid = dict(new.stores).get("xbox") == store_ids.xbox_guid(known, old)
    return msgspec.structs.replace(
        old,
        media=old.media if same_icon else (*new.media, *old.media[1:]),
        rewards=old.rewards if same_rewards else (*new.rewards, *other_rewards),
        is_secret=new.is_secret,
        is_base=new.is_base,
        stores=old.stores if same_guid else new.stores,
    )


def _achievement(listed: ListedAchievement, product: str, platforms: tuple[str, ...], icon_base: str) -> Achievement:
    icon = f"{listed.icon_id}.png"
    gamerscore = () if listed.gamerscore is None else (str(listed.gamerscore),)
    return Achievement(
        number=listed.number,
        public_id=str(listed.number),
        product_id=product,
        platforms=platforms,
        media=(MediaAsset(name=icon, kind="Icon", url=icon_base + icon),),
        requirements=(PERCENT,),
        rewards=tuple(Reward(kind="Gamerscore", value=value, value_type="Int") for value in gamerscore),
        display_order=listed.display_order,
        is_secret=listed.is_secret,
        is_base=listed.is_base,
        stores=() if listed.guid is None else (("xbox", listed.guid),),
    )


def _keys_by_string_id(achievements: list[ListedAchievement]) -> dict[str, tuple[str, ...]]:
    """String id → text keys. One string may serve several achievements."""
    keys: dict[str, tuple[str, ...]] = {}
    for listed in achievements:
        for id_, field in zip(listed.string_ids, store_ids.XBOX_STRING_PREFIXES.values(), strict=True):
            keys[id_] = (*keys.get(id_, ()), f"achievement/{listed.number}/{field}")
    return keys


def _texts_by_locale(localization: Localization, achievements: list[ListedAchievement]) -> dict[str, dict[str, str]]:
    keys = _keys_by_string_id(achievements)
    texts: dict[str, dict[str, str]] = {localization.dev_display_locale: {}}
    for id_, translations in localization.strings.items():
        for locale, text in translations.items():
            string_keys = keys.get(id_, (text_keys.STRING_PREFIX + id_,))
            texts.setdefault(locale, {}).update(dict.fromkeys(string_keys, text))
    return texts


def _locales_by_code(draft: Draft) -> dict[str, str]:
    return store_ids.locales_by_code(store_ids.region_codes(draft.texts, default=draft.title.default_locale))


def _missing_strings(listed: ListedAchievement, localization: Localization) -> Iterator[InvalidValue]:
    for id_ in listed.string_ids:
        if id_ not in localization.strings:
            yield InvalidValue("unknown-string", f"there is no LocalizedString with the id {values.shown(id_)}")
