"""The texts of a file in any format, as one kind of value, for a title that is here already. Pure.

What a format calls by its own ids is called by our text keys here. Ids that the title does not know keep their texts
under `string/…`, so that nothing is lost on the way back.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping

import msgspec

from service.core.catalog.model import Draft
from service.core.formats import plain_csv, po, toml_catalog
from service.core.formats.detect import FORMATS, sniff
from service.core.formats.entry import Entry
from service.core.formats.stores import epic, google_play, steam
from service.core.formats.xbox import captured_page, export, partner_center
from service.core.formats.xbox.partner_center import ListedAchievement, Localization
from service.core.validation import publish_rules, store_ids, values
from service.core.validation.diagnostics import SourceLocation
from service.errors import Diagnostic, InvalidCatalog

__all__ = ["Entry", "Strings", "read", "texts_of"]

Files = Mapping[str, bytes]

_PAIRS = {"achievements2017": "localization"}


class Strings(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. With a problem there are no entries; `format` is "unknown" where it could not be told."""

    format: str
    entries: tuple[Entry, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


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
    except InvalidCatalog as refusal:
        return Strings(format=found, entries=(), diagnostics=refusal.diagnostics)
    wanted = tuple(entry for entry in entries if entry.text and locale in {None, entry.locale})
    return Strings(format=found, entries=wanted)


def texts_of(
    entries: Iterable[Entry], draft: Draft, *, file: str
) -> tuple[dict[str, dict[str, str]], list[Diagnostic], list[Diagnostic]]:
    """What may be published of these texts, by locale and key, what is wrong with them, and what was left out.

    A key that the title has no text for is wrong, unless it begins with `string/`. An empty text is a missing one.
    A text whose source is not the source any more is stale: it and one that needs review are left out. Sources are
    those of the draft, and those that come with the texts.
    """
    found = list(entries)
    default = draft.title.default_locale
    known = set(publish_rules.text_keys(draft.title, draft.achievements))
    sources = {
        **draft.texts.get(default, {}),
        **{entry.key: entry.text for entry in found if entry.locale == default and entry.text},
    }
    texts: dict[str, dict[str, str]] = {}
    location = SourceLocation(file)
    with contextlib.suppress(InvalidCatalog):  # too many errors: the first ones are returned
        for entry in found:
            at_entry = location.at(entry.key, entry.line)
            if entry.key not in known and not entry.key.startswith(publish_rules.STRING_PREFIX):
                at_entry.report("unknown-key", "the title has no text of that key")
            elif not entry.text:
                continue
            elif entry.locale != default and entry.source is not None and entry.source != sources.get(entry.key):
                message = f"left out: it translates {values.shown(entry.source)}, which is not the text any more"
                at_entry.warn("stale", message)
            elif entry.needs_review:
                at_entry.warn("fuzzy", "left out: it is marked fuzzy and needs review")
            else:
                texts.setdefault(entry.locale, {})[entry.key] = entry.text
    return texts, location.errors, location.warnings


def _format_of(files: Files, given: str | None) -> str:
    """The one format of all files; Partner Center's two are one."""
    if not files:
        SourceLocation("").fail("no-file", "expected at least one file")
    found = {
        name: _PAIRS.get(kind, kind) for name, kind in ((name, given or sniff(files[name], name)) for name in files)
    }
    first, *_ = found.values()
    for name, kind in found.items():
        if kind not in _READERS:
            SourceLocation(name).fail("unknown-format", f"expected {', '.join(FORMATS)}, got {kind!r}")
        if kind != first:
            SourceLocation(name).fail(
                "two-formats", f"the file is {kind}, and another one is {first}: give them one by one"
            )
    return first


def _po(files: Files, _draft: Draft, locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in po.read_po(data, file=name, locale=locale)]


def _toml(files: Files, _draft: Draft, _locale: str | None) -> list[Entry]:
    drafts = [toml_catalog.read_toml(data, file=name) for name, data in files.items()]
    return [entry for draft in drafts for entry in _of_texts(draft)]


def _page(files: Files, draft: Draft, locale: str | None) -> list[Entry]:
    found: list[Entry] = []
    for name, data in files.items():
        drafts = captured_page.read_definitions(data, file=name, locale=locale or draft.title.default_locale)
        found += [entry for one in drafts if one.title.title_id == draft.title.title_id for entry in _of_texts(one)]
    return found


def _of_texts(draft: Draft) -> list[Entry]:
    return [
        Entry(key=key, locale=locale, text=text) for locale, texts in draft.texts.items() for key, text in texts.items()
    ]


def _partner_center(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    """Without `achievements2017.xml` the title itself knows which string is which."""
    listed: list[ListedAchievement] = []
    localizations: list[Localization] = []
    for name, data in files.items():
        if sniff(data, name) == "achievements2017":
            listed += partner_center.read_achievements2017(data, file=name)
        else:
            localizations.append(partner_center.read_localization(data, file=name))
    keys: dict[str, tuple[str, ...]] = {id_.lower(): (key,) for key, id_ in export.string_ids(draft).items()}
    keys |= {id_.lower(): found for id_, found in partner_center.text_keys(listed).items()}
    ours = store_ids.ours(store_ids.regional(draft.texts, default=draft.title.default_locale))
    return [
        Entry(
            key=key,
            locale=ours.get(locale, locale),
            text=text,
            line=localization.lines[id_],
            source=texts.get(localization.dev_display_locale),
        )
        for localization in localizations
        for id_, texts in localization.strings.items()
        for locale, text in texts.items()
        for key in keys.get(id_.lower(), (publish_rules.STRING_PREFIX + id_,))
    ]


def _steam(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in steam.read_vdf(data, file=name, draft=draft)]


def _google_play(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return google_play.read_play(files, draft=draft)


def _epic(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in epic.read_epic(data, file=name, draft=draft)]


def _csv(files: Files, _draft: Draft, _locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in plain_csv.read_csv(data, file=name)]


_READERS: Mapping[str, Callable[[Files, Draft, str | None], list[Entry]]] = {
    "po": _po,
    "toml": _toml,
    "xbox-page": _page,
    "localization": _partner_center,
    "steam": _steam,
    "google-play": _google_play,
    "epic": _epic,
    "csv": _csv,
}
