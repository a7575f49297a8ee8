"""Parse the lines of a gettext PO file strictly by the grammar of GNU gettext. Pure."""

import re

from service.core.validation.diagnostics import SourceLocation

# Possessive, because going back over a string of megabytes would remember each of its escapes.
_STRING = r'[^"\\]*+(?:\\[ntr"\\][^"\\]*+)*+'
_LINE = re.compile(
    rf"[ \t]*(?:(?P<comment>#.*)"
    rf'|(?P<keyword>msg[a-z_]{{1,20}}(?:\[[0-9]{{1,3}}\])?)[ \t]*"(?P<first>{_STRING})"[ \t]*'
    rf'|"(?P<continuation>{_STRING})"[ \t]*)?'
)
_BAD_ESCAPE = re.compile(rf'[^"]*"{_STRING}\\[^ntr"\\]')
_UNTERMINATED = re.compile(r'[^"]*"(?:[^"\\]|\\.)*+\\?')
_ESCAPED = {r"\n": "\n", r"\t": "\t", r"\r": "\r", r"\"": '"'}


class PoEntry:
    """One entry of a PO file. `line` is that of its first keyword; `id` and `text` are joined and unescaped.

    `is_invalid`: an error was already reported for one of its lines.
    """

    __slots__ = ("_parts", "is_fuzzy", "is_invalid", "is_plural", "line")

    def __init__(self, line: int, *, is_fuzzy: bool) -> None:
        self.line = line
        self.is_fuzzy = is_fuzzy
        self.is_plural = False
        self.is_invalid = False
        self._parts: dict[str, list[str]] = {}

    def begin(self, keyword: str, string: str) -> None:
        """Start the string of a keyword."""
        self._parts[keyword] = [string]

    def extend(self, string: str) -> None:
        """Continue the string of the last keyword, if the entry has any."""
        if self._parts:
            next(reversed(self._parts.values())).append(string)

    def has(self, keyword: str) -> bool:
        """Whether the entry has this keyword."""
        return keyword in self._parts

    @property
    def context(self) -> str | None:
        """The msgctxt, None if there is none."""
        return self._joined("msgctxt") if self.has("msgctxt") else None

    @property
    def id(self) -> str:
        """The msgid."""
        return self._joined("msgid")

    @property
    def text(self) -> str:
        """The msgstr."""
        return self._joined("msgstr")

    @property
    def is_header(self) -> bool:
        """Whether this is the header entry, which has no context and an empty msgid."""
        return self.context is None and not self.id

    def _joined(self, keyword: str) -> str:
        pieces = "".join(self._parts.get(keyword, ())).split(r"\\")
        return "\\".join([_unescaped(piece) if piece else "" for piece in pieces])


def _unescaped(text: str) -> str:
    """A text without escaped backslashes, with its other escapes replaced."""
    for escape, character in _ESCAPED.items():
        text = text.replace(escape, character)
    return text


def parse_po(text: str, location: SourceLocation) -> list[PoEntry]:
    """All entries in order, without obsolete ones (`#~`). Lines that break the grammar are reported.

    Raises:
        InvalidCatalog: there are too many errors to go on.
    """
    parser = _Parser(location)
    for number, line in enumerate(text.split("\n"), 1):
        parser.read_line(number, line.removesuffix("\r"))
    parser.end_entry()
    return parser.entries


class _Parser:
    def __init__(self, location: SourceLocation) -> None:
        self.entries: list[PoEntry] = []
        self._location = location
        self._entry: PoEntry | None = None
        self._is_fuzzy = False

    def read_line(self, number: int, line: str) -> None:
        match = _LINE.fullmatch(line)
        if match is None:
            self._report_line(number, line)
        elif match["comment"] is not None:
            self._read_comment(match["comment"])
        elif match["keyword"] is not None:
            self._read_keyword(number, match["keyword"], match["first"])
        elif match["continuation"] is not None and self._entry is None:
            self._location.at(None, number).report("not-po", "a string that belongs to no keyword")
        elif match["continuation"] is not None and self._entry is not None:
            self._entry.extend(match["continuation"])

    def end_entry(self) -> None:
        """Finish the current entry: keep it, or report what it lacks."""
        entry, self._entry = self._entry, None
        if entry is None or entry.is_invalid:
            return
        location = self._location.at(entry.context, entry.line)
        if entry.is_plural:
            location.report("plural", "expected an entry without plural forms: texts of a catalog have none")
        elif not entry.has("msgid"):
            location.report("missing-msgid", "the entry has no msgid")
        elif not entry.has("msgstr"):
            location.report("missing-msgstr", "the entry has no msgstr")
        else:
            self.entries.append(entry)

    def _read_comment(self, comment: str) -> None:
        if self._entry is not None and (self._entry.has("msgstr") or self._entry.is_plural or self._entry.is_invalid):
            self.end_entry()
        if comment.startswith("#~"):
            self._is_fuzzy = False  # the flag was that of an obsolete entry
        elif comment.startswith("#,"):
            self._is_fuzzy = self._is_fuzzy or "fuzzy" in {flag.strip() for flag in comment[2:].split(",")}

    def _read_keyword(self, number: int, keyword: str, string: str) -> None:
        is_plural = keyword == "msgid_plural" or keyword.startswith("msgstr[")
        if not is_plural and keyword not in {"msgctxt", "msgid", "msgstr"}:
            self._report(number, "not-po", f"{keyword} is not a keyword of PO")
            return
        entry = self._entry
        begins_entry = keyword == "msgctxt" or (keyword == "msgid" and (entry is None or entry.has("msgid")))
        if entry is None or begins_entry:
            self.end_entry()
            entry = self._entry = PoEntry(number, is_fuzzy=self._is_fuzzy)
            self._is_fuzzy = False
        if keyword == "msgstr" and entry.has("msgstr"):
            self._location.at(entry.context, number).report("duplicate-msgstr", "the entry already has a msgstr")
        entry.is_plural = entry.is_plural or is_plural
        entry.begin(keyword, string)

    def _report_line(self, number: int, line: str) -> None:
        if _BAD_ESCAPE.match(line):
            self._report(number, "bad-escape", r"only \n, \t, \r, \" and \\ may be escaped")
        elif _UNTERMINATED.fullmatch(line):
            self._report(number, "unterminated-string", "the string does not end in its line")
        else:
            self._report(number, "not-po", 'expected a comment, a keyword with its "string", or a "string"')

    def _report(self, number: int, rule: str, message: str) -> None:
        """Report an error in a line, and nothing more about the entry that the line is in."""
        self._entry = self._entry or PoEntry(number, is_fuzzy=False)
        self._entry.is_invalid = True
        self._location.at(self._entry.context, number).report(rule, message)
