"""Read and write a title as a folder: one TOML, and a PO file for each other locale at gettext's usual path.

The paths are `<locales>/<ll[_Ssss][_CC]>/LC_MESSAGES/title-<id>.po`; the template is in
`<locales>/templates/LC_MESSAGES/`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from service.core.catalog.model import Draft
from service.core.formats import po
from service.core.formats.entry import publishable_texts
from service.core.formats.toml_catalog import read_toml, write_toml
from service.core.validation.diagnostics import MAX_BYTES, SourceLocation
from service.core.validation.values import locale as locale_of
from service.errors import Diagnostic, InvalidCatalog

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


def read_title_folder(toml_path: Path, locales_dir: Path) -> tuple[Draft, list[Diagnostic]]:
    """The title with the texts of all its locales, and warnings for texts that were left out (stale, fuzzy).

    Raises:
        InvalidCatalog: a file is invalid or cannot be read, or a folder's name is not the locale of the file in it.
            The errors of all files are raised together.
    """
    errors: list[Diagnostic] = []
    data, draft = b"", None
    try:
        data = _read(toml_path)
        draft = read_toml(data, file=str(toml_path))
    except InvalidCatalog as error:
        errors += error.diagnostics
    match = _TITLE_ID.search(data)
    title_id = draft.title.title_id if draft else int(match[1]) if match else None
    warnings: list[Diagnostic] = []
    texts: dict[str, dict[str, str]] = {}
    for path in _translations(locales_dir, title_id):
        try:
            locale, translated = _read_translation(path, draft, texts, warnings)
        except InvalidCatalog as error:
            errors += error.diagnostics
        else:
            texts[locale] = translated
    if errors or draft is None:
        raise InvalidCatalog(errors)
    return Draft(title=draft.title, achievements=draft.achievements, texts={**draft.texts, **texts}), warnings


def title_files(draft: Draft) -> dict[str, bytes]:
    """The files of a title by path: `title-<id>.toml`, those in `locales`, and the settings of two translation tools."""
    name = f"title-{draft.title.title_id}"
    return {
        f"{name}.toml": write_toml(draft),
        **locale_files(draft),
        "crowdin.yml": _CROWDIN.encode(),
        ".tx/config": _TRANSIFEX.format(name=name).encode(),
    }


def locale_files(draft: Draft) -> dict[str, bytes]:
    """The template, and a PO file for each other locale that has texts, by path beginning with `locales`.

    There is none for a locale that has lost all its texts: the old file in a folder must be deleted by hand.
    """
    name = f"title-{draft.title.title_id}"
    files = {f"locales/{TEMPLATES}/LC_MESSAGES/{name}.pot": po.write_pot(draft)}
    for locale in sorted(draft.texts.keys() - {draft.title.default_locale}):
        if draft.texts[locale]:
            files[f"locales/{locale.replace('-', '_')}/LC_MESSAGES/{name}.po"] = po.write_po(draft, locale)
    return files


def write_files(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files by path below a folder, creating folders as needed, and return their paths.

    Raises:
        OSError: a file cannot be written.
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
    paths = locales_dir.glob(f"*/LC_MESSAGES/title-{title_id}.po")
    return sorted(path for path in paths if path.parts[-3] != TEMPLATES)


def _read_translation(
    path: Path, draft: Draft | None, others: dict[str, dict[str, str]], warnings: list[Diagnostic]
) -> tuple[str, dict[str, str]]:
    """The locale and texts of one PO file. Without a draft, because its TOML is invalid, the file is only checked."""
    location = SourceLocation(str(path))
    locale = location.at("folder").read(locale_of, path.parts[-3])
    location.raise_errors()
    if locale in others:
        location.report("duplicate-locale", f"expected one folder of {locale} texts, got two")
    if draft is not None and locale == draft.title.default_locale:
        location.report(
            "default-locale", f"expected another locale than the default one, {locale}: its texts are in the TOML"
        )
    location.raise_errors()
    entries = po.read_po(_read(path), file=str(path), locale=locale)
    if draft is None:
        return locale, {}
    texts, file_errors, file_warnings = publishable_texts(entries, draft, file=str(path))
    if file_errors:
        raise InvalidCatalog(file_errors)
    warnings += file_warnings
    return locale, texts.get(locale, {})


def _read(path: Path) -> bytes:
    """The bytes of the file; of one that is too large, only enough to report that."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        SourceLocation(str(path)).fail("unreadable", f"the file cannot be read: {error.strerror}")
