"""Google Play's achievements: three CSV files without header rows, in a flat ZIP or side by side. Pure.

An achievement is known by its name in the default locale, so names cannot be changed from here, and a name that no
achievement has is refused. Values of the game (points, steps) are written and not read: they are ours.
"""

import pathlib
import re
from collections.abc import Iterator, Mapping

from service.core.catalog.model import Achievement, Draft, achievement_key
from service.core.formats.entry import Entry, with_sources
from service.core.formats.syntax.csv_rows import Row, has_columns, read_rows, write_rows
from service.core.formats.syntax.zip_files import read_zip, write_zip
from service.core.validation import store_ids, values
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
    """The texts of the ZIP, or of those of its files that are given.

    Raises:
        InvalidCatalog: a file is none of them or has a header row, a name is unknown, or a row is of the default locale.
    """
    found: list[Entry] = []
    for name, data, location in _members(files):
        names = store_ids.by_name(_names(draft), location)
        rows = read_rows(data, location)
        if rows and rows[0].cells[0].strip().lower() == "name":
            location.at(None, rows[0].line).fail("header-row", "expected no header row: Google Play takes it for data")
        if name == METADATA:
            found += _of_metadata(rows, names, draft, location)
        elif name == LOCALIZATIONS:
            found += _of_localizations(rows, names, draft, location)
        else:
            for row in rows:
                has_columns(row, 2, location)
        location.raise_errors()
    return with_sources(found, draft.title.default_locale)


def write_play(draft: Draft) -> bytes:
    """The ZIP without pictures, and so without the file that names them; the same bytes for the same draft.

    Raises:
        InvalidCatalog: an achievement cannot be one of Google Play's; every reason is told.
    """
    location = SourceLocation("google-play.zip")
    store_ids.by_name(_names(draft), location)
    default = draft.texts.get(draft.title.default_locale, {})
    metadata: list[list[str]] = []
    localizations: list[list[str]] = []
    for order, achievement in enumerate(sorted(draft.achievements, key=lambda one: (one.display_order, one.number)), 1):
        there = location.at(f"achievement/{achievement.number}")
        there.report_all(_unfit(achievement, draft))
        name, description = _keys(draft, achievement)
        steps = _steps(achievement)
        state = "Hidden" if achievement.is_secret else "Revealed"
        words = [default.get(name, ""), default.get(description, "")]
        values_ = ["True" if steps else "False", f"{steps or ''}", state, f"{achievement.gamerscore}", f"{order}"]
        metadata.append([*words, *values_])
        for locale, code in _codes(draft).items():
            texts = draft.texts[locale]
            if name in texts or description in texts:
                localizations.append([words[0], texts.get(name, ""), texts.get(description, ""), code])
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
    """Our keys of the name and of the one description."""
    return achievement_key(achievement.number, "name"), store_ids.only_description(draft, achievement)


def _of_metadata(rows: list[Row], names: Names, draft: Draft, location: SourceLocation) -> Iterator[Entry]:
    locale = draft.title.default_locale
    for row in rows:
        achievement = _known(row, names, location) if has_columns(row, 7, location) else None
        if achievement is not None:
            for key, text in zip(_keys(draft, achievement), row.cells, strict=False):
                yield Entry(
                    key=key, locale=locale, text=location.at(key, row.line).read(values.text, text), line=row.line
                )


def _of_localizations(rows: list[Row], names: Names, draft: Draft, location: SourceLocation) -> Iterator[Entry]:
    locales = store_ids.locales_by_code(_codes(draft))
    seen: set[tuple[str, str]] = set()
    for row in rows:
        achievement = _known(row, names, location) if has_columns(row, 4, location) else None
        if achievement is None:
            continue
        name, *texts, code = row.cells
        there = location.at(name, row.line)
        read = there.read(values.locale, code)
        locale = locales.get(read, read)
        if locale == draft.title.default_locale:
            there.report("default-locale", f"Google Play refuses rows in the default locale, {locale}")
        if (name, locale) in seen:
            there.report("duplicate-entry", f"the name stands twice in {locale}")
        seen.add((name, locale))
        for key, text in zip(_keys(draft, achievement), texts, strict=True):
            yield Entry(key=key, locale=locale, text=there.read(values.text, text), line=row.line)


def _known(row: Row, names: Names, location: SourceLocation) -> Achievement | None:
    name = row.cells[0]
    if name not in names:
        message = f"no achievement has the name {values.shown(name)} in the default locale"
        location.at(name, row.line).report("unknown-name", message)
    return names.get(name)


def _codes(draft: Draft) -> dict[str, str]:
    """Locale → Google Play's code: the tag itself, or language and region for one with a script (`zh-Hans`: `zh-CN`)."""
    others = draft.texts.keys() - {draft.title.default_locale}
    scripts = store_ids.region_codes(locale for locale in others if re.match("[a-z]+-[A-Z][a-z]{3}", locale))
    return {locale: scripts.get(locale, locale) for locale in sorted(others)}


def _steps(achievement: Achievement) -> int | None:
    """How many steps an incremental achievement has; None for one that is not counted in steps."""
    if len(achievement.requirements) != 1 or not achievement.requirements[0].target.isdecimal():
        return None
    target = int(achievement.requirements[0].target)
    return target if target in STEPS else None


def _unfit(achievement: Achievement, draft: Draft) -> Iterator[InvalidValue]:
    """Why it cannot be one of Google Play's."""
    default = draft.texts.get(draft.title.default_locale, {})
    for key in _keys(draft, achievement):
        if not default.get(key):
            yield InvalidValue("missing-text", f"Google Play wants a text for {key} in the default locale")
    if achievement.gamerscore not in POINTS:
        yield InvalidValue("points", f"Google Play wants 5 to 200 points in fives, here are {achievement.gamerscore}")
