"""The texts of a file in any format, as one kind of value, for a title that is here already. Pure.

What a format calls by its own ids is called by our text keys here. Ids that the title does not know keep their texts
under `string/…`, so that nothing is lost on the way back.
"""

from collections.abc import Callable, Mapping

import msgspec

from service.core.catalog import Draft
from service.core.formats import po, toml_catalogue, xbox_page, xbox_xml
from service.core.formats.entries import Entry
from service.core.formats.problems import Place
from service.core.formats.sniff import FORMATS, sniff
from service.core.formats.xbox_xml import ListedAchievement
from service.errors import BadCatalogue, Problem

__all__ = ["Entry", "Strings", "read"]

Files = Mapping[str, bytes]


class Strings(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. With a problem there are no entries; `format` is "unknown" where it could not be told."""

    format: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()


def read(
    files: Files,
    *,
    draft: Draft,
    format: str | None = None,  # noqa: A002  (the name that callers know it by)
    locale: str | None = None,
) -> Strings:
    """The texts of files, by name, of one format: what stands in them says which if `format` does not.

    `locale` is the language of a file that names none, must be that of a file of one language, and of a file of
    several chooses the one to take. Texts come in the order of the file. Nothing is raised: problems are told.
    """
    found = format or "unknown"
    try:
        found = _format_of(files, format)
        entries = _READERS[found](files, draft, locale)
    except BadCatalogue as refusal:
        return Strings(format=found, entries=(), problems=tuple(refusal.problems))
    wanted = tuple(entry for entry in entries if entry.text and locale in {None, entry.locale})
    return Strings(format=found, entries=wanted)


def _format_of(files: Files, given: str | None) -> str:
    """The one format of all files; Partner Center's two are one."""
    if not files:
        Place("").refuse("no-file", "expected at least one file")
    found = {
        name: _PAIRS.get(kind, kind) for name, kind in ((name, given or sniff(files[name], name)) for name in files)
    }
    first, *_ = found.values()
    for name, kind in found.items():
        if kind not in _READERS:
            Place(name).refuse("unknown-format", f"expected {', '.join(FORMATS)}, got {kind!r}")
        if kind != first:
            Place(name).refuse("two-formats", f"the file is {kind}, and another one is {first}: give them one by one")
    return first


_PAIRS = {"achievements2017": "localization"}


def _po(files: Files, _draft: Draft, locale: str | None) -> list[Entry]:
    read_all = (po.read_po(data, file=name, locale=locale) for name, data in files.items())
    return [
        Entry(
            key=entry.key,
            locale=file.locale,
            text=entry.text,
            line=entry.line,
            source=entry.source,
            needs_review=entry.fuzzy,
        )
        for file in read_all
        for entry in file.entries
    ]


def _toml(files: Files, _draft: Draft, _locale: str | None) -> list[Entry]:
    drafts = [toml_catalogue.read_toml(data, file=name) for name, data in files.items()]
    return [entry for draft in drafts for entry in _of_texts(draft)]


def _page(files: Files, draft: Draft, locale: str | None) -> list[Entry]:
    found: list[Entry] = []
    for name, data in files.items():
        drafts = xbox_page.read_definitions(data, file=name, locale=locale or draft.title.default_locale)
        found += [entry for one in drafts if one.title.title_id == draft.title.title_id for entry in _of_texts(one)]
    return found


def _of_texts(draft: Draft) -> list[Entry]:
    return [
        Entry(key=key, locale=locale, text=text) for locale, texts in draft.texts.items() for key, text in texts.items()
    ]


def _partner_center(files: Files, _draft: Draft, _locale: str | None) -> list[Entry]:
    listed: list[ListedAchievement] = []
    strings: dict[str, bytes] = {}
    for name, data in files.items():
        if sniff(data, name) == "achievements2017":
            listed += xbox_xml.read_achievements2017(data, file=name)
        else:
            strings[name] = data
    keys = xbox_xml.text_keys(listed)
    found: list[Entry] = []
    for name, data in strings.items():
        localization = xbox_xml.read_localization(data, file=name)
        for id_, texts in localization.strings.items():
            found += [
                Entry(
                    key=key,
                    locale=locale,
                    text=text,
                    source=texts.get(localization.dev_display_locale),
                )
                for locale, text in texts.items()
                for key in keys.get(id_, (f"string/{id_}",))
            ]
    return found


_READERS: Mapping[str, Callable[[Files, Draft, str | None], list[Entry]]] = {
    "po": _po,
    "toml": _toml,
    "xbox-page": _page,
    "localization": _partner_center,
}
