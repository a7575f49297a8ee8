"""A title as a folder keeps it: one TOML, and a PO for each other language where five translation tools look for it.

`<locales>/<ll[_Ssss][_CC]>/LC_MESSAGES/title-<id>.po`, the template in `<locales>/templates/LC_MESSAGES/`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from service import errors
from service.core.catalog.model import Draft
from service.core.formats import po
from service.core.formats.entry import publishable_texts
from service.core.formats.toml_catalog import read_toml, write_toml
from service.core.validation.diagnostics import MAX_BYTES, SourceLocation
from service.core.validation.values import locale as locale_of

TEMPLATES = "templates"

_CROWDIN = """\
files:
  - source: /locales/templates/LC_MESSAGES/*.pot
    translation: /locales/%locale_with_underscore%/LC_MESSAGES/%file_name%.po
"""
_TRANSIFEX = """\
[main]
host = https://app.transifex.com

[o:laurel:p:achievements:r:{name}]
file_filter = locales/<lang>/LC_MESSAGES/{name}.po
source_file = locales/templates/LC_MESSAGES/{name}.pot
type = PO
"""

_TITLE_ID = re.compile(rb"^title_id[ \t]*=[ \t]*([0-9]{1,10})\b", re.MULTILINE)


def locales_folder() -> Path:
    """Where our own translations are: in the package once it is installed, beside it in a checkout."""
    package = Path(__file__).parents[2]
    packaged = package / "_locales"
    return packaged if packaged.is_dir() else package.parent / "locales"


def read_title_folder(toml_path: Path, locales_dir: Path) -> tuple[Draft, list[errors.Diagnostic]]:
    """The title with the texts of all its languages, and what was left out for review (stale, fuzzy).

    Raises:
        InvalidCatalog: anything is wrong in any of its files, a file cannot be read, a folder's name is no locale or
            does not agree with the file in it. The problems of all files come together.
    """
    found: list[errors.Diagnostic] = []
    data, draft = b"", None
    try:
        data = _read(toml_path)
        draft = read_toml(data, file=str(toml_path))
    except errors.InvalidCatalog as refusal:
        found += refusal.diagnostics
    match = _TITLE_ID.search(data)
    title_id = draft.title.title_id if draft else int(match[1]) if match else None
    warnings: list[errors.Diagnostic] = []
    texts: dict[str, dict[str, str]] = {}
    for path in _translations(locales_dir, title_id):
        try:
            locale, translated = _translated(path, draft, texts, warnings)
        except errors.InvalidCatalog as refusal:
            found += refusal.diagnostics
        else:
            texts[locale] = translated
    if found or draft is None:
        raise errors.InvalidCatalog(found)
    return Draft(title=draft.title, achievements=draft.achievements, texts={**draft.texts, **texts}), warnings


def title_files(draft: Draft) -> dict[str, bytes]:
    """The title by path: `title-<id>.toml`, what is in `locales`, and two translation tools' own settings."""
    name = f"title-{draft.title.title_id}"
    return {
        f"{name}.toml": write_toml(draft),
        **locale_files(draft),
        "crowdin.yml": _CROWDIN.encode(),
        ".tx/config": _TRANSIFEX.format(name=name).encode(),
    }


def locale_files(draft: Draft) -> dict[str, bytes]:
    """The template, and a PO for each other locale that has texts, by path from `locales` on.

    A locale that lost all its texts keeps its old file: removing it is for whoever looks after the folder.
    """
    name = f"title-{draft.title.title_id}"
    files = {f"locales/{TEMPLATES}/LC_MESSAGES/{name}.pot": po.write_pot(draft)}
    for locale in sorted(draft.texts.keys() - {draft.title.default_locale}):
        if draft.texts[locale]:
            files[f"locales/{locale.replace('-', '_')}/LC_MESSAGES/{name}.po"] = po.write_po(draft, locale)
    return files


def write_files(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files below a folder, which is made if need be; where they are now.

    Raises:
        OSError: one cannot be written.
    """
    written = []
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)
    return written


def _translations(locales_dir: Path, title_id: int | None) -> list[Path]:
    if title_id is None:
        return []
    found = locales_dir.glob(f"*/LC_MESSAGES/title-{title_id}.po")
    return sorted(path for path in found if path.parts[-3] != TEMPLATES)


def _translated(
    path: Path, draft: Draft | None, others: dict[str, dict[str, str]], warnings: list[errors.Diagnostic]
) -> tuple[str, dict[str, str]]:
    """The locale and texts of one PO file. Without a draft, because its TOML is wrong, the file is only read."""
    location = SourceLocation(str(path))
    locale = location.at("folder").read(locale_of, path.parts[-3])
    location.raise_errors()
    if locale in others:
        location.report("duplicate-locale", f"another folder holds the {locale} texts too")
    if draft is not None and locale == draft.title.default_locale:
        location.report("default-locale", f"the {locale} texts are in the TOML: it is the default locale")
    location.raise_errors()
    entries = po.read_po(_read(path), file=str(path), locale=locale)
    if draft is None:
        return locale, {}
    texts, found, left_out = publishable_texts(entries, draft, file=str(path))
    if found:
        raise errors.InvalidCatalog(found)
    warnings += left_out
    return locale, texts.get(locale, {})


def _read(path: Path) -> bytes:
    """The file, or as much as shows that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        SourceLocation(str(path)).fail("unreadable", f"the file cannot be read: {error.strerror}")
