"""Read and write Steam's `loc_all.vdf`: names and descriptions by slot, for each of Steam's languages. Pure.

A slot is `NEW_ACHIEVEMENT_{stat}_{bit}`. Other tokens become texts with the key `string/steam/<token>`. The vdf library
takes quadratic time for values of several lines and ignores what follows a value in its line, so every string is
checked first.
"""

import re
from collections.abc import Iterator
from typing import Any

import vdf

from service.core.catalog.model import Draft, achievement_key
from service.core.formats.entry import Entry, with_sources
from service.core.formats.stores import store_ids
from service.core.validation import values
from service.core.validation.diagnostics import SourceLocation, decode

PREFIX = "string/steam/"
_STRING = re.compile(r'"((?:\\[^\n]|[^"\\])*)"|//[^\n]*')
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
_STRING_CHARACTERS = 2 * values.TEXT_CHARACTERS  # each character may be escaped
_STRING_LINES = 5  # the library takes quadratic time for more; exported strings have one line
_BETWEEN = re.compile(r"[\s{}]*")


def read_vdf(data: bytes, *, file: str, draft: Draft) -> list[Entry]:
    """The texts of all languages.

    Raises:
        InvalidCatalog: the file is not a valid `loc_all.vdf`, has an unknown language, or a token or a language twice.
    """
    location = SourceLocation(file)
    languages = _languages(decode(data, location), location)
    keys = {token: key for key, token in _tokens(draft, location).items()}
    locales = store_ids.STEAM_LANGUAGES | store_ids.locales_by_code(store_ids.steam_languages(draft.texts))
    entries: list[Entry] = []
    for language, (tokens, line) in languages.items():
        if language not in locales:
            location.at(language, line).report(
                "unknown-language", f"expected a language of Steam, got {values.shown(language)}"
            )
            continue
        for token, (text, token_line) in tokens.items():
            token_location = location.at(token, token_line)
            token_location.read(values.label, token)
            checked = token_location.read(values.text, text)
            key = keys.get(token, PREFIX + token)
            entries.append(Entry(key=key, locale=locales[language], text=checked, line=token_line))
    location.raise_errors()
    return with_sources(entries, draft.title.default_locale)


def write_vdf(draft: Draft) -> bytes:
    """The texts of each locale that Steam has a language for: the same bytes for the same draft.

    Raises:
        InvalidCatalog: two achievements have the same slot.
    """
    tokens = _tokens(draft, SourceLocation("loc_all.vdf"))
    languages = {}
    for locale, language in sorted(store_ids.steam_languages(draft.texts).items(), key=lambda pair: pair[1]):
        texts = draft.texts[locale]
        own = {token: texts[key] for key, token in tokens.items() if key in texts}
        others = {key.removeprefix(PREFIX): texts[key] for key in sorted(texts) if key.startswith(PREFIX)}
        escaped = {token.translate(_ESCAPES): text.translate(_ESCAPES) for token, text in (own | others).items()}
        languages[language] = {"Tokens": escaped}
    text: str = vdf.dumps({"lang": languages}, pretty=True, escaped=False)
    return text.encode()


def _tokens(draft: Draft, location: SourceLocation) -> dict[str, str]:
    """Text key → token, in the order of the achievements."""
    slots = store_ids.by_name(((store_ids.steam_slot(item), item) for item in draft.achievements), location)
    tokens: dict[str, str] = {}
    for slot, achievement in slots.items():
        tokens[achievement_key(achievement.number, "name")] = f"NEW_ACHIEVEMENT_{slot}_NAME"
        tokens[store_ids.only_description(draft, achievement)] = f"NEW_ACHIEVEMENT_{slot}_DESC"
    return tokens


Block = dict[str, tuple[Any, int | None]]
"""Names, each with its value (a string or a block) and its line."""


def _languages(text: str, location: SourceLocation) -> Block:
    """The tokens of each language, in the order of the file."""
    top = _parse(text, location)
    _, (languages, _) = next(iter(top.items()), ("", ("", None)))
    if [name.lower() for name in top] != ["lang"] or not isinstance(languages, dict):
        location.at(None, 1).fail("unknown-format", 'expected "lang" { "english" { "Tokens" { … } } }')
    return {
        language: (_language_tokens(block, location.at(language, line)), line)
        for language, (block, line) in languages.items()
    }


def _language_tokens(language: object, location: SourceLocation) -> Block:
    if not isinstance(language, dict) or [name.lower() for name in language] != ["tokens"]:
        location.fail("unknown-format", 'expected a language to hold "Tokens" { … } and nothing else')
    [(tokens, line)] = language.values()
    if not isinstance(tokens, dict):
        location.at(location.key, line).fail("unknown-format", "expected a block of tokens")
    for token, (text, token_line) in tokens.items():
        if not isinstance(text, str):
            location.at(token, token_line).fail("unknown-format", "expected a text, got a block")
    return tokens


def _parse(text: str, location: SourceLocation) -> Block:
    """The file as nested blocks with lines. A name that occurs twice in a block is reported."""
    lines = list(_lines(text, location))
    used = 0

    class BlockWithLines(dict[str, Any]):
        def __setitem__(self, name: str, value: object) -> None:
            nonlocal used
            line = lines[used] if used < len(lines) else None
            used += 1 if isinstance(value, dict) else 2
            if name in self:
                location.at(name, line).report("duplicate-entry", "the name is already in the block")
            super().__setitem__(name, (value, line))

    try:
        block: Block = vdf.loads(text, mapper=BlockWithLines, merge_duplicate_keys=False)
    except SyntaxError as error:
        location.at(None, error.lineno).fail("not-vdf", f"not VDF: {error.msg.removeprefix('vdf.parse: ')}")
    if used != len(lines):
        location.fail("not-vdf", "expected one quoted token and one quoted text in each line")
    return block


def _lines(text: str, location: SourceLocation) -> Iterator[int]:
    """The line of each string. Reports a string that is too long or has no end, and anything else but braces."""
    end, line = 0, 1
    for match in _STRING.finditer(text):
        line = _skip(text[end : match.start()], line, location)
        if match[1] is not None:
            if len(match[1]) > _STRING_CHARACTERS or match[1].count("\n") > _STRING_LINES:
                message = f"expected at most {values.TEXT_CHARACTERS} characters in {_STRING_LINES} lines"
                location.at(None, line).fail("too-long", message)
            yield line
        line += match[0].count("\n")
        end = match.end()
    _skip(text[end:], line, location)


def _skip(between: str, line: int, location: SourceLocation) -> int:
    """Check the text between two strings, and return the line where it ends."""
    match = _BETWEEN.match(between)
    length = 0 if match is None else match.end()
    if length < len(between):
        error_location = location.at(None, line + between.count("\n", 0, length))
        if between[length] == '"':
            error_location.fail("unterminated-string", "the string has no end")
        error_location.fail("not-vdf", "expected names and texts in quotation marks, braces and comments")
    return line + between.count("\n")
