"""A title as a folder keeps it: one TOML, and a PO for each other language where five translation tools look for it.

`<locales>/<ll[_Ssss][_CC]>/LC_MESSAGES/title-<id>.po`, the template in `<locales>/templates/LC_MESSAGES/`.
"""

import re
from pathlib import Path

from service import errors
from service.core.catalog import Draft
from service.core.formats import po
from service.core.formats.problems import MAX_BYTES, Place
from service.core.formats.toml_catalogue import read_toml, write_toml
from service.core.formats.values import locale as locale_of

TEMPLATES = "templates"

_TITLE_ID = re.compile(rb"^title_id[ \t]*=[ \t]*([0-9]{1,10})\b", re.MULTILINE)


def locales_folder() -> Path:
    """Where our own translations are: in the package once it is installed, beside it in a checkout."""
    package = Path(__file__).parents[2]
    packaged = package / "_locales"
    return packaged if packaged.is_dir() else package.parent / "locales"


def read_title_folder(toml_path: Path, locales_dir: Path) -> tuple[Draft, list[errors.Problem]]:
    """The title with the texts of all its languages, and what was left out for review (stale, fuzzy).

    Raises:
        BadCatalogue: anything is wrong in any of its files, a file cannot be read, a folder's name is no locale or
            does not agree with the file in it. The problems of all files come together.
    """
    found: list[errors.Problem] = []
    data, draft = b"", None
    try:
        data = _read(toml_path)
        draft = read_toml(data, file=str(toml_path))
    except errors.BadCatalogue as refusal:
        found += refusal.problems
    match = _TITLE_ID.search(data)
    title_id = draft.title.title_id if draft else int(match[1]) if match else None
    warnings: list[errors.Problem] = []
    texts: dict[str, dict[str, str]] = {}
    for path in _translations(locales_dir, title_id):
        try:
            locale, translated = _translated(path, draft, texts, warnings)
        except errors.BadCatalogue as refusal:
            found += refusal.problems
        else:
            texts[locale] = translated
    if found or draft is None:
        raise errors.BadCatalogue(found)
    return Draft(title=draft.title, achievements=draft.achievements, texts={**draft.texts, **texts}), warnings


def write_title_folder(draft: Draft, toml_path: Path, locales_dir: Path) -> list[Path]:
    """Write the TOML, the template and a PO for each other locale that has texts; the files that were written.

    A locale that lost all its texts keeps its old file: removing it is for whoever looks after the folder.
    """
    name = f"title-{draft.title.title_id}"
    files = {toml_path: write_toml(draft), _po_path(locales_dir, TEMPLATES, f"{name}.pot"): po.write_pot(draft)}
    for locale in sorted(draft.texts.keys() - {draft.title.default_locale}):
        if draft.texts[locale]:
            files[_po_path(locales_dir, locale.replace("-", "_"), f"{name}.po")] = po.write_po(draft, locale)
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(files)


def _po_path(locales_dir: Path, folder: str, name: str) -> Path:
    return locales_dir / folder / "LC_MESSAGES" / name


def _translations(locales_dir: Path, title_id: int | None) -> list[Path]:
    if title_id is None:
        return []
    found = locales_dir.glob(f"*/LC_MESSAGES/title-{title_id}.po")
    return sorted(path for path in found if path.parts[-3] != TEMPLATES)


def _translated(
    path: Path, draft: Draft | None, others: dict[str, dict[str, str]], warnings: list[errors.Problem]
) -> tuple[str, dict[str, str]]:
    """The locale and texts of one PO file. Without a draft, because its TOML is wrong, the file is only read."""
    place = Place(str(path))
    locale = place.at("folder").read(locale_of, path.parts[-3])
    place.settle()
    if locale in others:
        place.note("duplicate-locale", f"another folder holds the {locale} texts too")
    if draft is not None and locale == draft.title.default_locale:
        place.note("default-locale", f"the {locale} texts are in the TOML: it is the default locale")
    place.settle()
    file = po.read_po(_read(path), file=str(path), locale=locale)
    if draft is None:
        return locale, {}
    texts, wrong, unwise = po.texts_of(file, draft.texts[draft.title.default_locale], file=str(path))
    if wrong:
        raise errors.BadCatalogue(wrong)
    warnings += unwise
    return locale, texts


def _read(path: Path) -> bytes:
    """The file, or as much as shows that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        Place(str(path)).refuse("unreadable", f"the file cannot be read: {error.strerror}")
