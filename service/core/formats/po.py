"""Read and write gettext PO files: the translations of one title into one language. Pure.

`msgctxt` is the text key, `msgid` the text in the default locale, `msgstr` the translation. `syntax.po_lines` parses,
because polib and Babel accept unterminated strings and unknown escapes, and polib breaks lines at U+2028; polib writes.
Tests compare both with msgfmt.
"""

import re
from collections.abc import Iterable, Mapping

import polib

from service.core.catalog import model, text_keys
from service.core.catalog.model import Draft
from service.core.formats.entry import Entry
from service.core.formats.syntax.po_lines import PoEntry, parse_po
from service.core.validation import values
from service.core.validation.checks import character_limit
from service.core.validation.diagnostics import SourceLocation, checked_bytes, decode

_CHARSET = re.compile(
    rb"^[^#\n]{0,200}Content-Type:[ \t]*text/plain;[ \t]*charset=([A-Za-z0-9_.-]{1,40})", re.MULTILINE
)
_SUPPORTED_CHARSETS = re.compile(
    "utf-?8|us-ascii|ascii|iso-?8859-?[0-9]{1,2}|(windows-|cp)125[0-8]|koi8-[ru]|euc-(jp|kr)|shift_jis|big5|gb(k|2312|18030)",
    re.IGNORECASE,
)
_ENCODING = {
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
}
_HINTS = {
    "name": "its name",
    "description": "shown once unlocked",
    "locked_description": "shown while locked",
}


def read_po(data: bytes, *, file: str, locale: str | None = None) -> list[Entry]:
    """The texts of a PO file, in its order and without obsolete entries; untranslated ones have an empty text.

    The charset is the one that the header declares. `locale` must be the language of the header, if that has one.

    Raises:
        InvalidCatalog: the file is not strictly valid PO, names no language or another one, or has a plural form, an
            entry without msgctxt or a repeated entry.
    """
    location = SourceLocation(file)
    po_entries = parse_po(decode(data, location, encoding=_charset(data, location)), location)
    header = po_entries[0] if po_entries and po_entries[0].is_header else None
    language = _language(header, location, locale)
    entries: dict[str, Entry] = {}
    for po_entry in po_entries:
        if po_entry is header:
            continue
        entry_location = location.at(po_entry.context, po_entry.line)
        key = _key(po_entry, entry_location)
        if key in entries:
            entry_location.report("duplicate-entry", f"the entry is already at line {entries[key].line}")
        entries[key] = Entry(
            key=key,
            locale=language,
            source=entry_location.read(values.text, po_entry.id),
            text=entry_location.read(values.text, po_entry.text),
            needs_review=po_entry.is_fuzzy,
            line=po_entry.line,
        )
    location.raise_errors()
    return list(entries.values())


def write_po(draft: Draft, locale: str) -> bytes:
    """The texts of one locale, in the order of the achievements: the same bytes for the same draft.

    A text without a source in the default locale would have no msgid, so it is left out.
    """
    return _write(draft, locale.replace("-", "_"), draft.texts.get(locale, {}))


def write_pot(draft: Draft) -> bytes:
    """The template for translators: every source text, without translations."""
    return _write(draft, "", {})


def write_commented(entries: Iterable[tuple[Entry, str]], locale: str) -> bytes:
    """Texts of one locale, each with its source, its line and a comment; of two equal ones the first."""
    file = polib.POFile(wrapwidth=0)
    file.metadata = {"Language": locale.replace("-", "_"), **_ENCODING}
    written = set[tuple[str, str | None]]()
    for entry, comment in entries:
        if (entry.key, entry.source) in written:
            continue
        written.add((entry.key, entry.source))
        file.append(
            polib.POEntry(
                msgctxt=entry.key,
                msgid=entry.source,
                msgstr=entry.text,
                comment=comment,
                flags=["fuzzy"] if entry.needs_review else [],
                occurrences=[] if entry.line is None else [("line", str(entry.line))],
            )
        )
    return str(file).encode() + b"\n"


def _write(draft: Draft, language: str, texts: Mapping[str, str]) -> bytes:
    sources = draft.texts.get(draft.title.default_locale, {})
    file = polib.POFile(wrapwidth=0)
    file.header = f"msgctxt: the text's key; msgid: the text in {draft.title.default_locale}; msgstr: its translation"
    file.metadata = {"Project-Id-Version": f"title-{draft.title.title_id}", "Language": language, **_ENCODING}
    for key in text_keys.written_keys(draft):
        limit = character_limit(key)
        file.append(
            polib.POEntry(
                msgctxt=key,
                msgid=sources[key],
                msgstr=texts.get(key, ""),
                comment=_hint(key),
                flags=[] if limit is None else [f"max-length:{limit}"],
            )
        )
    return f"{file}".encode()


def _hint(key: str) -> str:
    """A comment for translators: where the text is shown."""
    match = text_keys.ACHIEVEMENT_KEY.fullmatch(key)
    if match is None:
        return "The title's name" if key == model.TITLE_NAME else "A text of the game itself"
    if match["reward"] is not None:
        return f"Achievement {match['number']}, the {match['field']} of its {match['reward']} reward"
    return f"Achievement {match['number']}, {_HINTS[match['field']]}"


def _charset(data: bytes, location: SourceLocation) -> str:
    match = _CHARSET.search(checked_bytes(data, location)[:10_000])
    charset = match[1].decode() if match else "utf-8"
    if _SUPPORTED_CHARSETS.fullmatch(charset) is None:
        location.fail("charset", f"expected a supported charset such as UTF-8, got {values.shown(charset)}")
    return charset


def _key(po_entry: PoEntry, location: SourceLocation) -> str:
    if po_entry.context is None:
        location.report("no-key", "expected a msgctxt with the text key, such as achievement/1/name")
        return ""
    return location.read(values.label, po_entry.context)


def _language(header: PoEntry | None, location: SourceLocation, expected: str | None) -> str:
    """The locale of the header or, if the caller knows it (from the folder), the expected one: both must agree."""
    header_location = location.at("Language", 1 if header is None else header.line)
    fields = dict(field.partition(":")[::2] for field in ("" if header is None else header.text).split("\n"))
    declared = fields.get("Language", "").strip()
    if not declared and expected is None:
        header_location.report("no-language", "the header has no Language, such as fr_FR")
    declared_locale = header_location.read(values.locale, declared) if declared else None
    expected_locale = None if expected is None else header_location.read(values.locale, expected)
    if declared_locale and expected_locale and declared_locale != expected_locale:
        header_location.report("other-language", f"expected a file in {expected_locale}, got one in {declared_locale}")
    return declared_locale or expected_locale or ""
