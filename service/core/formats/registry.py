"""The table of file formats: how to recognize each, how to read its texts, how to write a title in it. Pure.

To add a format, write its reader and writer in a module, and add its name below and a row to `FORMATS`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from service.core.catalog.model import Draft
from service.core.formats import plain_csv, po, title_folder, toml_catalog
from service.core.formats.entry import Entry, entries_of_draft
from service.core.formats.stores import epic, google_play, steam, store_ids
from service.core.formats.xbox import captured_page, export, partner_center_draft

ImportFormat = Literal[
    "xbox-page", "achievements2017", "localization", "toml", "po", "steam", "google-play", "epic", "csv"
]
ExportFormat = Literal["toml", "po", "xbox", "steam", "google-play", "epic", "csv", "zip"]
IMPORT_FORMATS: tuple[ImportFormat, ...] = get_args(ImportFormat)
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

Files = Mapping[str, bytes]
"""The contents of files by name."""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Files by path below one folder, separated by `/`. `left_out` lists what the format cannot hold."""

    files: dict[str, bytes]
    left_out: tuple[str, ...] = ()


Reader = Callable[[Files, Draft, str | None], list[Entry]]
"""Reads the texts of files for a title; the locale is that of a file which names none. Raises InvalidCatalog."""

Writer = Callable[[Draft], Export]
"""Writes a title, the same bytes for the same draft. Raises InvalidCatalog if the format cannot hold it."""


class FileFormat(msgspec.Struct, frozen=True, kw_only=True):
    """One format. A file is recognized by its start, else by its name, else by something in it.

    `description` names the format in error messages. `read` is None for a format that is only written, or is read
    together with another one, `read_with`; `write` is None for a format that is only read.
    """

    description: str | None = None
    start: re.Pattern[bytes] | None = None
    file_name: re.Pattern[str] | None = None
    contains: re.Pattern[bytes] | None = None
    xml_root: str | None = None
    read: Reader | None = None
    read_with: ImportFormat | None = None
    write: Writer | None = None


def _read_xbox_page(files: Files, draft: Draft, locale: str | None) -> list[Entry]:
    entries: list[Entry] = []
    for name, data in files.items():
        drafts = captured_page.read_definitions(data, file=name, locale=locale or draft.title.default_locale)
        for page in drafts:
            if page.title.title_id == draft.title.title_id:
                entries += entries_of_draft(page)
    return entries


def _read_toml(files: Files, _draft: Draft, _locale: str | None) -> list[Entry]:
    drafts = [toml_catalog.read_toml(data, file=name) for name, data in files.items()]
    return [entry for draft in drafts for entry in entries_of_draft(draft)]


def _read_po(files: Files, _draft: Draft, locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in po.read_po(data, file=name, locale=locale)]


def _read_partner_center(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return partner_center_draft.read_entries(files, draft=draft)


def _read_steam(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in steam.read_vdf(data, file=name, draft=draft)]


def _read_google_play(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return google_play.read_play(files, draft=draft)


def _read_epic(files: Files, draft: Draft, _locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in epic.read_epic(data, file=name, draft=draft)]


def _read_csv(files: Files, _draft: Draft, _locale: str | None) -> list[Entry]:
    return [entry for name, data in files.items() for entry in plain_csv.read_csv(data, file=name)]


def _write_toml(draft: Draft) -> Export:
    return Export(files=title_folder.title_files(draft))


def _write_po(draft: Draft) -> Export:
    return Export(files=title_folder.locale_files(draft))


def _write_xbox(draft: Draft) -> Export:
    codes = store_ids.region_codes({*draft.texts, draft.title.default_locale}, default=draft.title.default_locale)
    return Export(files=export.write_xbox(draft), left_out=_left_out(draft, codes, "Partner Center"))


def _write_steam(draft: Draft) -> Export:
    files = {"loc_all.vdf": steam.write_vdf(draft)}
    return Export(files=files, left_out=_left_out(draft, store_ids.steam_languages(draft.texts), "Steam"))


def _write_google_play(draft: Draft) -> Export:
    return Export(files={"google-play.zip": google_play.write_play(draft)})


def _write_epic(draft: Draft) -> Export:
    return Export(files={"achievementLocalizations.csv": epic.write_epic(draft)})


def _write_csv(draft: Draft) -> Export:
    return Export(files={f"title-{draft.title.title_id}.csv": plain_csv.write_csv(draft)})


def _left_out(draft: Draft, codes: Mapping[str, str], store: str) -> tuple[str, ...]:
    locales = store_ids.locales_without_code(draft, codes)
    return tuple(f"the {locale} texts: {store} has no place for them" for locale in locales)


FORMATS: Mapping[ImportFormat | ExportFormat, FileFormat] = {
    "xbox-page": FileFormat(
        description="a captured Xbox page (JSON, or the HTTP response)",
        start=re.compile(rb"HTTP/|\s*\{"),
        contains=re.compile(rb"\A\s*\["),
        read=_read_xbox_page,
    ),
    "achievements2017": FileFormat(
        description="achievements2017.xml",
        xml_root="Achievements2017",
        read_with="localization",
    ),
    "localization": FileFormat(
        description="localization.xml",
        xml_root="Localization",
        read=_read_partner_center,
    ),
    "toml": FileFormat(
        description="a title's TOML",
        file_name=re.compile(r".*\.toml", re.IGNORECASE),
        contains=re.compile(rb"^[ \t]*title_id[ \t]*=", re.MULTILINE),
        read=_read_toml,
        write=_write_toml,
    ),
    "po": FileFormat(
        description="gettext PO",
        file_name=re.compile(r".*\.pot?", re.IGNORECASE),
        contains=re.compile(rb"^[ \t]*msgid[ \t]*\"", re.MULTILINE),
        read=_read_po,
        write=_write_po,
    ),
    "xbox": FileFormat(
        write=_write_xbox,
    ),
    "steam": FileFormat(
        description="Steam's loc_all.vdf",
        start=re.compile(rb'\s*"lang"[\s{]', re.IGNORECASE),
        file_name=re.compile(r".*\.vdf", re.IGNORECASE),
        read=_read_steam,
        write=_write_steam,
    ),
    "google-play": FileFormat(
        description="Google Play's ZIP or CSV files",
        start=re.compile(rb"PK"),
        file_name=google_play.FILE_NAME,
        read=_read_google_play,
        write=_write_google_play,
    ),
    "epic": FileFormat(
        description="Epic's achievementLocalizations.csv",
        start=re.compile(rb"name,locale,lockedTitle"),
        read=_read_epic,
        write=_write_epic,
    ),
    "csv": FileFormat(
        description="a CSV of key, source and locales",
        start=re.compile(rb'"?key"?[,;\t]'),
        read=_read_csv,
        write=_write_csv,
    ),
}
