"""gettext PO: the texts of one title in one other language, for translators and their tools. Pure.

`msgctxt` is the text key, `msgid` the text in the default locale, `msgstr` the translation. Reading is strict where
PO libraries are not: polib and Babel take unterminated strings and unknown escapes, and polib breaks lines at U+2028.
So the lines are read here, each by one expression; writing is polib's. Both are held to msgfmt by the tests.
"""

import re
from collections.abc import Mapping

import msgspec
import polib

from service.core.catalog import model
from service.core.catalog.model import Draft
from service.core.formats.syntax.po_lines import Entry, read_entries
from service.core.validation import publish_rules, values
from service.core.validation.diagnostics import SourceLocation, checked_bytes, decode

_CHARSET = re.compile(
    rb"^[^#\n]{0,200}Content-Type:[ \t]*text/plain;[ \t]*charset=([A-Za-z0-9_.-]{1,40})", re.MULTILINE
)
_CHARSETS = re.compile(
    "utf-?8|us-ascii|ascii|iso-?8859-?[0-9]{1,2}|(windows-|cp)125[0-8]|koi8-[ru]|euc-(jp|kr)|shift_jis|big5|gb(k|2312|18030)",
    re.IGNORECASE,
)
_HINTS = {
    "name": "its name",
    "description": "shown once unlocked",
    "locked_description": "shown while locked",
}


class PoEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a PO file. `text` is empty where it is not translated; `fuzzy` asks for review."""

    key: str
    source: str
    text: str
    fuzzy: bool
    line: int


class PoFile(msgspec.Struct, frozen=True, kw_only=True):
    """A PO file: its locale, canonical, and its entries in the order of the file, without the obsolete ones."""

    locale: str
    entries: tuple[PoEntry, ...]


def read_po(data: bytes, *, file: str, locale: str | None = None) -> PoFile:
    """The entries of a PO file. Its charset is the one it declares; `locale` must agree with its Language.

    Raises:
        InvalidCatalog: the file is not PO in the strict reading, has plurals, an entry without msgctxt or one that
            stands twice, or says nothing of its language.
    """
    place = SourceLocation(file)
    entries = read_entries(decode(data, place, encoding=_charset(data, place)), place)
    header = entries[0] if entries and entries[0].is_header else None
    found: dict[str, PoEntry] = {}
    for entry in entries:
        if entry is header:
            continue
        there = place.at(entry.context, entry.line)
        key = _key(entry, there)
        if key in found:
            there.report("duplicate-entry", f"the entry already stands at line {found[key].line}")
        found[key] = PoEntry(
            key=key,
            source=there.read(values.text, entry.id),
            text=there.read(values.text, entry.text),
            fuzzy=entry.fuzzy,
            line=entry.line,
        )
    of_file = _locale(header, place, locale)
    place.raise_errors()
    return PoFile(locale=of_file, entries=tuple(found.values()))


def write_po(draft: Draft, locale: str) -> bytes:
    """The texts of one locale: the same bytes for the same draft, in the order of the achievements.

    A text without a source in the default locale has no msgid and is not written (`rules.check` warns of it).
    """
    return _written(draft, locale.replace("-", "_"), draft.texts.get(locale, {}))


def write_pot(draft: Draft) -> bytes:
    """The template: every source text, nothing translated."""
    return _written(draft, "", {})


def _written(draft: Draft, language: str, texts: Mapping[str, str]) -> bytes:
    sources = draft.texts.get(draft.title.default_locale, {})
    file = polib.POFile(wrapwidth=0)
    file.header = f"msgctxt: the text's key; msgid: the text in {draft.title.default_locale}; msgstr: its translation"
    file.metadata = {
        "Project-Id-Version": f"title-{draft.title.title_id}",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for key in publish_rules.written_keys(draft):
        limit = publish_rules.length_limit(key)
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
    """What a translator should know of a text: where it is shown."""
    match = publish_rules.ACHIEVEMENT_KEY.fullmatch(key)
    if match is None:
        return "The title's name" if key == model.TITLE_NAME else "A text of the game itself"
    if match["reward"] is not None:
        return f"Achievement {match['number']}, the {match['field']} of its {match['reward']} reward"
    return f"Achievement {match['number']}, {_HINTS[match['field']]}"


def _charset(data: bytes, place: SourceLocation) -> str:
    match = _CHARSET.search(checked_bytes(data, place)[:10_000])
    charset = match[1].decode() if match else "utf-8"
    if _CHARSETS.fullmatch(charset) is None:
        place.fail("charset", f"the charset {values.shown(charset)} is not one that can be read; UTF-8 is")
    return charset


def _key(entry: Entry, place: SourceLocation) -> str:
    if entry.context is None:
        place.report("no-key", "an entry without msgctxt: it is the text key, such as achievement/1/name")
        return ""
    return place.read(values.label, entry.context)


def _locale(header: Entry | None, place: SourceLocation, asked: str | None) -> str:
    """The locale of the header or of the caller, who may know it from the folder: both must agree."""
    line = 1 if header is None else header.line
    there = place.at("Language", line)
    fields = dict(field.partition(":")[::2] for field in ("" if header is None else header.text).split("\n"))
    written = fields.get("Language", "").strip()
    if not written and asked is None:
        there.report("no-language", "the header has no Language, such as fr_FR")
    of_file = there.read(values.locale, written) if written else None
    of_caller = None if asked is None else there.read(values.locale, asked)
    if of_file and of_caller and of_file != of_caller:
        there.report("other-language", f"the file is in {of_file}, and {of_caller} was expected")
    return of_file or of_caller or ""
