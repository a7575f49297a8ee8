"""Read and write Google Play's achievements: three CSV files without header rows, alone or in a flat ZIP. Pure.

An achievement is identified by its name in the default locale, so an import cannot change names, and an unknown name
is an error. Points and steps are written but not read: the title defines them.
"""

import pathlib
import re
from collections.abc import Iterator, Mapping

from service.core.catalog.model import Achievement, Draft, achievement_key
from service.core.formats.entry import Entry, with_sources
from service.core.formats.stores import store_ids
from service.core.formats.syntax.csv_rows import Row, has_columns, read_rows, write_rows
from service.core.formats.syntax.zip_files import read_zip, write_zip
from service.core.validation import values
from service.core.validation.diagnostics import InvalidValue, SourceLocation

METADATA, LOCALIZATIONS, ICONS = (
    "AchievementsMetadata.csv",
    "AchievementsLocalizations.csv",
    "AchievementsIconsMappings.csv",
)
FILE_NAME = re.compile("Achievements(?:Metadata|Localizations|Icons?Mappings?).csv")  # both spellings are documented
POINTS = range(5, 201, 5)
STEPS = range(2, 10_001)

Names = Mapping[str, Achievement]


def read_play(files: Mapping[str, bytes], *, draft: Draft) -> list[Entry]:
    """The texts of the ZIP, or of any of its files.

    Raises:
        InvalidCatalog: a file is another one or has a header row, a name is unknown, or a row is in the default locale.
    """
    entries: list[Entry] = []
    for name, data, location in _members(files):
        names = store_ids.by_name(_names(draft), location)
        rows = read_rows(data, location)
        if rows and rows[0].cells[0].strip().lower() == "name":
            location.at(None, rows[0].line).fail("header-row", "expected no header row: Google Play reads it as data")
        if name == METADATA:
            entries += _metadata_entries(rows, names, draft, location)
        elif name == LOCALIZATIONS:
            entries += _localization_entries(rows, names, draft, location)
        else:
            for row in rows:
                has_columns(row, 2, location)
        location.raise_errors()
    return with_sources(entries, draft.title.default_locale)


def write_play(draft: Draft) -> bytes:
    """The ZIP without icons and their mapping file: the same bytes for the same draft.

    Raises:
        InvalidCatalog: Google Play does not accept an achievement; the message has every reason.
    """
    location = SourceLocation("google-play.zip")
    store_ids.by_name(_names(draft), location)
    default = draft.texts.get(draft.title.default_locale, {})
    metadata: list[list[str]] = []
    localizations: list[list[str]] = []
    for order, achievement in enumerate(
        sorted(draft.achievements, key=lambda item: (item.display_order, item.number)), 1
    ):
        location.at(f"achievement/{achievement.number}").report_all(_violations(achievement, draft))
        name, description = _keys(draft, achievement)
        steps = _steps(achievement)
        state = "Hidden" if achievement.is_secret else "Revealed"
        source_texts = [default.get(name, ""), default.get(description, "")]
        settings = ["True" if steps else "False", f"{steps or ''}", state, f"{achievement.gamerscore}", f"{order}"]
        metadata.append([*source_texts, *settings])
        for locale, code in _codes(draft).items():
            texts = draft.texts[locale]
            if name in texts or description in texts:
                localizations.append([source_texts[0], texts.get(name, ""), texts.get(description, ""), code])
    location.raise_errors()
    return write_zip({METADATA: write_rows(metadata), LOCALIZATIONS: write_rows(localizations)})


def _members(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes, SourceLocation]]:
    for path, data in files.items():
        location = SourceLocation(path)
        members = (
            read_zip(data, location, wanted=FILE_NAME)
            if data.startswith(b"PK")
            else {pathlib.PurePath(path).name: data}
        )
        if not members or not all(FILE_NAME.fullmatch(name) for name in members):
            location.fail("unknown-format", f"expected {METADATA}, {LOCALIZATIONS} or {ICONS}, or a ZIP of them")
        for name, member in members.items():
            yield name, member, SourceLocation(path if name in path else f"{path}/{name}")


def _names(draft: Draft) -> Iterator[tuple[str, Achievement]]:
    default = draft.texts.get(draft.title.default_locale, {})
    for achievement in draft.achievements:
        yield default.get(achievement_key(achievement.number, "name"), ""), achievement


def _keys(draft: Draft, achievement: Achievement) -> tuple[str, str]:
    """The text keys of the name and of the only description."""
    return achievement_key(achievement.number, "name"), store_ids.only_description(draft, achievement)


def _metadata_entries(rows: list[Row], names: Names, draft: Draft, location: SourceLocation) -> Iterator[Entry]:
    locale = draft.title.default_locale
    for row in rows:
        achievement = _find(row, names, location) if has_columns(row, 7, location) else None
        if achievement is not None:
            for key, text in zip(_keys(draft, achievement), row.cells, strict=False):
                yield Entry(
                    key=key, locale=locale, text=location.at(key, row.line).read(values.text, text), line=row.line
                )


def _localization_entries(rows: list[Row], names: Names, draft: Draft, location: SourceLocation) -> Iterator[Entry]:
    locales = store_ids.locales_by_code(_codes(draft))
    seen: set[tuple[str, str]] = set()
    for row in rows:
        achievement = _find(row, names, location) if has_columns(row, 4, location) else None
        if achievement is None:
            continue
        name, *texts, code = row.cells
        row_location = location.at(name, row.line)
        canonical = row_location.read(values.locale, code)
        locale = locales.get(canonical, canonical)
        if locale == draft.title.default_locale:
            row_location.report(
                "default-locale",
                f"expected another locale than the default one, {locale}: Google Play rejects its rows",
            )
        if (name, locale) in seen:
            row_location.report("duplicate-entry", f"the name already has a row in {locale}")
        seen.add((name, locale))
        for key, text in zip(_keys(draft, achievement), texts, strict=True):
            yield Entry(key=key, locale=locale, text=row_location.read(values.text, text), line=row.line)


def _find(row: Row, names: Names, location: SourceLocation) -> Achievement | None:
    name = row.cells[0]
    if name not in names:
        message = f"no achievement has the name {values.shown(name)} in the default locale"
        location.at(name, row.line).report("unknown-name", message)
    return names.get(name)


def _codes(draft: Draft) -> dict[str, str]:
    """Locale → Google Play's code: the tag itself or, if it has a script, language and region (`zh-Hans` → `zh-CN`)."""
    others = draft.texts.keys() - {draft.title.default_locale}
    with_script = store_ids.region_codes(locale for locale in others if re.match("[a-z]+-[A-Z][a-z]{3}", locale))
    return {locale: with_script.get(locale, locale) for locale in sorted(others)}


def _steps(achievement: Achievement) -> int | None:
    """The steps of an incremental achievement; None for one that is not incremental."""
    if len(achievement.requirements) != 1 or not achievement.requirements[0].target.isdecimal():
        return None
    target = int(achievement.requirements[0].target)
    return target if target in STEPS else None


def _violations(achievement: Achievement, draft: Draft) -> Iterator[InvalidValue]:
    """Google Play's rules that an achievement breaks."""
    default = draft.texts.get(draft.title.default_locale, {})
    for key in _keys(draft, achievement):
        if not default.get(key):
            yield InvalidValue("missing-text", f"Google Play requires a text for {key} in the default locale")
    if achievement.gamerscore not in POINTS:
        yield InvalidValue(
            "points", f"Google Play requires 5 to 200 points in multiples of 5, got {achievement.gamerscore}"
        )
