"""Steam's `loc_all.vdf`: names and descriptions by slot, for each of Steam's languages. Pure.

A slot is `NEW_ACHIEVEMENT_{stat}_{bit}`. Tokens of other things are kept as texts with the key `string/steam/<token>`.
The library reads values over several lines in quadratic time and passes over what follows a value in its line, so
every string is looked at first.
"""

import itertools
import re
from collections.abc import Iterator, Mapping

import vdf

from service.core.catalog import Draft, achievement_key
from service.core.formats import stores, values
from service.core.formats.entries import Entry, with_sources
from service.core.formats.problems import Place, decoded

PREFIX = "string/steam/"
_STRING = re.compile(r'"((?:\\[^\n]|[^"\\])*)"|//[^\n]*')
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
_STRING_CHARACTERS = 2 * values.TEXT_CHARACTERS  # each may be escaped


def read_vdf(data: bytes, *, file: str, draft: Draft) -> list[Entry]:
    """The texts of all languages, by our keys and locales.

    Raises:
        BadCatalogue: it is no such file, has a language that is not Steam's, a token twice, or a text that is none.
    """
    place = Place(file)
    lines, languages = _parsed(decoded(data, place), place)
    keys = {token: key for key, token in _tokens(draft, place).items()}
    locales = stores.STEAM_LANGUAGES | stores.ours(stores.steam_languages(draft.texts))
    found: list[Entry] = []
    for index, (language, tokens) in enumerate(languages):
        line, *lines_of_tokens = itertools.islice(lines, 2 + 2 * len(tokens))
        if language not in locales:
            place.at(language, line).note("unknown-language", f"{values.shown(language)} is none of Steam's")
            continue
        if any(language == before for before, _ in languages[:index]):
            place.at(language, line).note("duplicate-language", "the language stands twice")
        seen = set()
        for (token, text), token_line in zip(tokens, lines_of_tokens[1::2], strict=True):
            there = place.at(token, token_line)
            if token in seen:
                there.note("duplicate-entry", "the token stands twice in this language")
            seen.add(token)
            there.read(values.label, token)
            read = there.read(values.text, text)
            key = keys.get(token, PREFIX + token)
            found.append(Entry(key=key, locale=locales[language], text=read, line=token_line))
    place.settle()
    return with_sources(found, draft.title.default_locale)


def write_vdf(draft: Draft) -> bytes:
    """The texts of each locale that Steam has a language for; the same bytes for the same draft.

    Raises:
        BadCatalogue: two achievements have one slot.
    """
    tokens = _tokens(draft, Place("loc_all.vdf"))
    languages = {}
    for locale, language in sorted(stores.steam_languages(draft.texts).items(), key=lambda pair: pair[1]):
        texts = draft.texts[locale]
        known = {token: texts[key] for key, token in tokens.items() if key in texts}
        kept = {key.removeprefix(PREFIX): texts[key] for key in sorted(texts) if key.startswith(PREFIX)}
        escaped = {token.translate(_ESCAPES): text.translate(_ESCAPES) for token, text in (known | kept).items()}
        languages[language] = {"Tokens": escaped}
    written: str = vdf.dumps({"lang": languages}, pretty=True, escaped=False)
    return written.encode()


def _tokens(draft: Draft, place: Place) -> dict[str, str]:
    """Our text key → Steam's token, in the order of the achievements."""
    slots = stores.by_name(((stores.steam_slot(one), one) for one in draft.achievements), place)
    tokens: dict[str, str] = {}
    for slot, achievement in slots.items():
        tokens[achievement_key(achievement.number, "name")] = f"NEW_ACHIEVEMENT_{slot}_NAME"
        tokens[stores.only_description(draft, achievement)] = f"NEW_ACHIEVEMENT_{slot}_DESC"
    return tokens


def _parsed(text: str, place: Place) -> tuple[Iterator[int], list[tuple[str, list[tuple[str, str]]]]]:
    """The line of every string in turn, and the languages with their tokens, in the order of the file."""
    lines = list(_lines(text, place))
    try:
        tree = vdf.loads(text, mapper=vdf.VDFDict, merge_duplicate_keys=False)
    except SyntaxError as error:
        place.at(None, error.lineno).refuse("not-vdf", f"not VDF: {error.msg.removeprefix('vdf.parse: ')}")
    top = list(tree.items())
    if len(top) != 1 or top[0][0].lower() != "lang" or not isinstance(top[0][1], Mapping):
        place.at(None, 1).refuse("unknown-format", 'expected "lang" { "english" { "Tokens" { … } } }')
    languages = [(language, _pairs(language, block, place)) for language, block in top[0][1].items()]
    if len(lines) != 1 + sum(2 + 2 * len(pairs) for _, pairs in languages):
        place.refuse("not-vdf", "expected one quoted token and one quoted text in each line")
    return iter(lines[1:]), languages


def _pairs(language: str, block: object, place: Place) -> list[tuple[str, str]]:
    inner = list(block.items()) if isinstance(block, Mapping) else []
    if len(inner) != 1 or inner[0][0].lower() != "tokens" or not isinstance(inner[0][1], Mapping):
        place.at(language[:64]).refuse("unknown-format", 'expected a language to hold "Tokens" { … } and nothing else')
    pairs = list(inner[0][1].items())
    for token, text in pairs:
        if not isinstance(text, str):
            place.at(token).refuse("unknown-format", "expected a text, got a block")
    return pairs


def _lines(text: str, place: Place) -> Iterator[int]:
    """Where each string begins; every one must end, and be short enough to be read."""
    end, line = 0, 1
    for match in _STRING.finditer(text):
        between = text[end : match.start()]
        line += between.count("\n")
        if '"' in between:
            break
        if match[1] is not None:
            if len(match[1]) > _STRING_CHARACTERS:
                place.at(None, line).refuse("too-long", f"expected at most {values.TEXT_CHARACTERS} characters")
            yield line
        line += match[0].count("\n")
        end = match.end()
    if '"' in text[end:]:
        place.at(None, line + text[end:].partition('"')[0].count("\n")).refuse(
            "unterminated-string", "the string has no end"
        )
