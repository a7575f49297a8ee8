"""Read and write Epic's `achievementLocalizations.csv`, which has a row for each achievement and locale. Pure.

The default locale is `default`. Columns without a text of the title (a name while locked, flavor text, icons), and rows
whose names no achievement has, become texts with the key `string/epic/<name>/<column>`. The columns are known from
third parties' tools.
"""

from collections.abc import Iterator, Mapping

from service.core.catalog.model import Draft, achievement_key
from service.core.formats.entry import Entry, with_sources
from service.core.formats.stores import store_ids
from service.core.formats.syntax.csv_rows import Row, has_columns, read_rows, write_rows
from service.core.validation import values
from service.core.validation.diagnostics import SourceLocation

COLUMNS = (
    "name",
    "locale",
    "lockedTitle",
    "lockedDescription",
    "unlockedTitle",
    "unlockedDescription",
    "flavorText",
    "lockedIcon",
    "unlockedIcon",
)
DEFAULT = "default"
PREFIX = "string/epic/"
_NAME, _LOCKED_NAME = "unlockedTitle", "lockedTitle"


def read_epic(data: bytes, *, file: str, draft: Draft) -> list[Entry]:
    """The texts of all rows.

    Raises:
        InvalidCatalog: the columns are others, a name has two rows in one locale, or a value is invalid.
    """
    location = SourceLocation(file)
    rows = read_rows(data, location)
    if not rows or rows[0].cells != COLUMNS:
        location.at(None, 1).fail("unknown-format", f"expected the columns {', '.join(COLUMNS)}")
    names = store_ids.by_name(((store_ids.epic_name(item), item) for item in draft.achievements), location)
    seen: dict[tuple[str, str], int] = {}
    entries: list[Entry] = []
    for row in rows[1:]:
        if not has_columns(row, len(COLUMNS), location):
            continue
        name, code, *_ = row.cells
        row_location = location.at(name, row.line)
        row_location.read(values.label, name)
        locale = draft.title.default_locale if code == DEFAULT else row_location.read(values.locale, code)
        if (name, locale) in seen:
            row_location.report(
                "duplicate-entry", f"the name already has a row in {locale} at line {seen[name, locale]}"
            )
        seen[name, locale] = row.line
        number = names[name].number if name in names else None
        entries += [
            Entry(key=key, locale=locale, text=row_location.read(values.text, text), line=row.line)
            for key, text in _texts(name, number, row, draft.texts.get(locale, {}))
        ]
    location.raise_errors()
    return with_sources(entries, draft.title.default_locale)


def write_epic(draft: Draft) -> bytes:
    """All achievements in all locales that have a text of them: the same bytes for the same draft.

    Raises:
        InvalidCatalog: two achievements have the same name.
    """
    location = SourceLocation("achievementLocalizations.csv")
    achievements = store_ids.by_name(((store_ids.epic_name(item), item) for item in draft.achievements), location)
    numbers: dict[str, int | None] = {name: achievement.number for name, achievement in achievements.items()}
    every_key = {key for texts in draft.texts.values() for key in texts if key.startswith(PREFIX)}
    for name in sorted(key.removeprefix(PREFIX).rpartition("/")[0] for key in every_key):
        numbers.setdefault(name, None)
    default = draft.title.default_locale
    others = sorted(draft.texts.keys() - {default})
    rows: list[tuple[str, ...]] = [COLUMNS]
    for name, number in numbers.items():
        for locale in (default, *others):
            texts = draft.texts.get(locale, {})
            cells = {column: texts.get(key, "") for column, key in _keys(name, number).items()}
            cells[_LOCKED_NAME] = cells[_LOCKED_NAME] or (cells[_NAME] if number is not None else "")
            if any(cells.values()):
                rows.append((name, DEFAULT if locale == default else locale, *cells.values()))
    return write_rows(rows)


def _keys(name: str, number: int | None) -> dict[str, str]:
    """Column → text key."""
    keys = {column: f"{PREFIX}{name}/{column}" for column in COLUMNS[2:]}
    if number is None:
        return keys
    return keys | {
        _NAME: achievement_key(number, "name"),
        "lockedDescription": achievement_key(number, "locked_description"),
        "unlockedDescription": achievement_key(number, "description"),
    }


def _texts(name: str, number: int | None, row: Row, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The text keys and texts of a row.

    A name while locked is left out if it equals the name, unless the draft has one (`known`) that it replaces.
    """
    cells = dict(zip(COLUMNS, row.cells, strict=True))
    for column, key in _keys(name, number).items():
        is_default = number is not None and column == _LOCKED_NAME and cells[column] == cells[_NAME]
        if not is_default or key in known:
            yield key, cells[column]
