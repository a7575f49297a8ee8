"""Steam's `loc_all.vdf`: names and descriptions by slot, for each of Steam's languages. Pure.

A slot is `NEW_ACHIEVEMENT_{stat}_{bit}`. Tokens of other things are kept as texts with the key `string/steam/<token>`.
The library reads values over several lines in quadratic time and passes over what follows a value in its line, so
every string is looked at first.
"""

import re
from collections.abc import Iterator
from typing import Any

import vdf

from service.core.catalog.model import Draft, achievement_key
from service.core.formats.entry import Entry, with_sources
from service.core.validation import store_ids, values
from service.core.validation.diagnostics import SourceLocation, decode

PREFIX = "string/steam/"
_STRING = re.compile(r'"((?:\\[^\n]|[^"\\])*)"|//[^\n]*')
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
_STRING_CHARACTERS = 2 * values.TEXT_CHARACTERS  # each may be escaped
_STRING_LINES = 5  # what the library takes quadratic time for; ours are escaped, and stand in one
_BETWEEN = re.compile(r"[\s{}]*")


def read_vdf(data: bytes, *, file: str, draft: Draft) -> list[Entry]:
    """The texts of all languages, by our keys and locales.

    Raises:
        InvalidCatalog: it is no such file, has a language that is not Steam's, a token twice, or a text that is none.
    """
    location = SourceLocation(file)
    languages = _languages(decode(data, location), location)
    keys = {token: key for key, token in _tokens(draft, location).items()}
    locales = store_ids.STEAM_LANGUAGES | store_ids.locales_by_code(store_ids.steam_languages(draft.texts))
    found: list[Entry] = []
    for language, (tokens, line) in languages.items():
        if language not in locales:
            location.at(language, line).report("unknown-language", f"{values.shown(language)} is none of Steam's")
            continue
        for token, (text, token_line) in tokens.items():
            there = location.at(token, token_line)
            there.read(values.label, token)
            read = there.read(values.text, text)
            key = keys.get(token, PREFIX + token)
            found.append(Entry(key=key, locale=locales[language], text=read, line=token_line))
    location.raise_errors()
    return with_sources(found, draft.title.default_locale)


def write_vdf(draft: Draft) -> bytes:
    """The texts of each locale that Steam has a language for; the same bytes for the same draft.

    Raises:
        InvalidCatalog: two achievements have one slot.
    """
    tokens = _tokens(draft, SourceLocation("loc_all.vdf"))
    languages = {}
    for locale, language in sorted(store_ids.steam_languages(draft.texts).items(), key=lambda pair: pair[1]):
        texts = draft.texts[locale]
        known = {token: texts[key] for key, token in tokens.items() if key in texts}
        kept = {key.removeprefix(PREFIX): texts[key] for key in sorted(texts) if key.startswith(PREFIX)}
        escaped = {token.translate(_ESCAPES): text.translate(_ESCAPES) for token, text in (known | kept).items()}
        languages[language] = {"Tokens": escaped}
    written: str = vdf.dumps({"lang": languages}, pretty=True, escaped=False)
    return written.encode()


def _tokens(draft: Draft, location: SourceLocation) -> dict[str, str]:
    """Our text key → Steam's token, in the order of the achievements."""
    slots = store_ids.by_name(((store_ids.steam_slot(one), one) for one in draft.achievements), location)
    tokens: dict[str, str] = {}
    for slot, achievement in slots.items():
        tokens[achievement_key(achievement.number, "name")] = f"NEW_ACHIEVEMENT_{slot}_NAME"
        tokens[store_ids.only_description(draft, achievement)] = f"NEW_ACHIEVEMENT_{slot}_DESC"
    return tokens


Block = dict[str, tuple[Any, int | None]]
"""Names, with what each holds and its line."""


def _languages(text: str, location: SourceLocation) -> Block:
    """The tokens of each language, in the order of the file."""
    top = _parsed(text, location)
    _, (languages, _) = next(iter(top.items()), ("", ("", None)))
    if [name.lower() for name in top] != ["lang"] or not isinstance(languages, dict):
        location.at(None, 1).fail("unknown-format", 'expected "lang" { "english" { "Tokens" { … } } }')
    return {
        language: (_tokens_of(block, location.at(language, line)), line)
        for language, (block, line) in languages.items()
    }


def _tokens_of(language: object, location: SourceLocation) -> Block:
    if not isinstance(language, dict) or [name.lower() for name in language] != ["tokens"]:
        location.fail("unknown-format", 'expected a language to hold "Tokens" { … } and nothing else')
    [(tokens, line)] = language.values()
    if not isinstance(tokens, dict):
        location.at(location.key, line).fail("unknown-format", "expected a block of tokens")
    for token, (text, token_line) in tokens.items():
        if not isinstance(text, str):
            location.at(token, token_line).fail("unknown-format", "expected a text, got a block")
    return tokens


def _parsed(text: str, location: SourceLocation) -> Block:
    """What the library makes of the file, with lines; a name that stands twice in a block is noted."""
    lines = list(_lines(text, location))
    used = 0

    class Lined(dict[str, Any]):
        def __setitem__(self, name: str, held: object) -> None:
            nonlocal used
            line = lines[used] if used < len(lines) else None
            used += 1 if isinstance(held, dict) else 2
            if name in self:
                location.at(name, line).report("duplicate-entry", "the name stands twice in its block")
            super().__setitem__(name, (held, line))

    try:
        found: Block = vdf.loads(text, mapper=Lined, merge_duplicate_keys=False)
    except SyntaxError as error:
        location.at(None, error.lineno).fail("not-vdf", f"not VDF: {error.msg.removeprefix('vdf.parse: ')}")
    if used != len(lines):
        location.fail("not-vdf", "expected one quoted token and one quoted text in each line")
    return found


def _lines(text: str, location: SourceLocation) -> Iterator[int]:
    """Where each string begins. Every one must end and be short enough to be read; between them are only braces."""
    end, line = 0, 1
    for match in _STRING.finditer(text):
        line = _after(text[end : match.start()], line, location)
        if match[1] is not None:
            if len(match[1]) > _STRING_CHARACTERS or match[1].count("\n") > _STRING_LINES:
                message = f"expected at most {values.TEXT_CHARACTERS} characters in {_STRING_LINES} lines"
                location.at(None, line).fail("too-long", message)
            yield line
        line += match[0].count("\n")
        end = match.end()
    _after(text[end:], line, location)


def _after(between: str, line: int, location: SourceLocation) -> int:
    """The line where what stands between two strings ends."""
    found = _BETWEEN.match(between)
    length = 0 if found is None else found.end()
    if length < len(between):
        there = location.at(None, line + between.count("\n", 0, length))
        if between[length] == '"':
            there.fail("unterminated-string", "the string has no end")
        there.fail("not-vdf", "expected names and texts in quotation marks, braces and comments")
    return line + between.count("\n")
