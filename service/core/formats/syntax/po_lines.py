"""The lines of a PO file, each held to the grammar of GNU gettext. Pure."""

import re

from service.core.validation.diagnostics import SourceLocation

_STRING = r'[^"\\]*(?:\\[ntr"\\][^"\\]*)*'
_LINE = re.compile(
    rf"[ \t]*(?:(?P<comment>#.*)"
    rf'|(?P<keyword>msg[a-z_]{{1,20}}(?:\[[0-9]{{1,3}}\])?)[ \t]*"(?P<first>{_STRING})"[ \t]*'
    rf'|"(?P<more>{_STRING})"[ \t]*)?'
)
_BAD_ESCAPE = re.compile(rf'[^"]*"{_STRING}\\[^ntr"\\]')
_UNTERMINATED = re.compile(r'[^"]*"[^"\\]*(?:\\.[^"\\]*)*\\?')
_ESCAPE = re.compile(r'[^"]*"(?:[^"\\]|\\[ntr"\\])*\\[^ntr"\\]')
_UNTERMINATED = re.compile(r'[^"]*"(?:[^"\\]|\\.)*\\?')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class Entry:
    """One entry as it stands: `line` is that of its first keyword; `id` and `text` are joined and unescaped."""

    __slots__ = ("_parts", "fuzzy", "is_damaged", "is_plural", "line")

    def __init__(self, line: int, *, fuzzy: bool) -> None:
        self.line = line
        self.fuzzy = fuzzy
        self.is_plural = False
        self.is_damaged = False
        self._parts: dict[str, list[str]] = {}

    def begin(self, keyword: str, string: str) -> None:
        """Start one of the entry's strings."""
        self._parts[keyword] = [string]

    def extend(self, string: str) -> None:
        """Add a line to the string that was started last; a damaged entry may have none."""
        if self._parts:
            next(reversed(self._parts.values())).append(string)

    def has(self, keyword: str) -> bool:
        """Whether that string was started."""
        return keyword in self._parts

    @property
    def context(self) -> str | None:
        """The msgctxt, None where there is none."""
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
        """Whether it is the entry that describes the file."""
        return self.context is None and not self.id

    def _joined(self, keyword: str) -> str:
        string = "".join(self._parts.get(keyword, ()))
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), string)


def read_entries(text: str, place: SourceLocation) -> list[Entry]:
    """All entries but obsolete ones (`#~`). What breaks the grammar is noted with its line.

    Raises:
        InvalidCatalog: there are too many problems to go on.
    """
    reading = _Reading(place)
    for number, line in enumerate(text.split("\n"), 1):
        reading.take(number, line.removesuffix("\r"))
    reading.end()
    return reading.entries


class _Reading:
    def __init__(self, place: SourceLocation) -> None:
        self.entries: list[Entry] = []
        self._place = place
        self._entry: Entry | None = None
        self._fuzzy = False

    def take(self, number: int, line: str) -> None:
        match = _LINE.fullmatch(line)
        if match is None:
            self._note_unreadable(number, line)
        elif match["comment"] is not None:
            self._take_comment(match["comment"])
        elif match["keyword"] is not None:
            self._take_keyword(number, match["keyword"], match["first"])
        elif match["more"] is not None and self._entry is None:
            self._place.at(None, number).report("not-po", "a string that belongs to no keyword")
        elif match["more"] is not None and self._entry is not None:
            self._entry.extend(match["more"])

    def end(self) -> None:
        """Close the entry under way. One with an unreadable line was told of already."""
        entry, self._entry = self._entry, None
        if entry is None or entry.is_damaged:
            return
        there = self._place.at(entry.context, entry.line)
        if entry.is_plural:
            there.report("plural", "an entry with plural forms: texts of a catalogue have none")
        elif not entry.has("msgid"):
            there.report("missing-msgid", "the entry has no msgid")
        elif not entry.has("msgstr"):
            there.report("missing-msgstr", "the entry has no msgstr")
        else:
            self.entries.append(entry)

    def _take_comment(self, comment: str) -> None:
        if self._entry is not None and (self._entry.has("msgstr") or self._entry.is_plural or self._entry.is_damaged):
            self.end()
        if comment.startswith("#~"):
            self._fuzzy = False  # the flag was that of an obsolete entry
        elif comment.startswith("#,"):
            self._fuzzy = self._fuzzy or "fuzzy" in {flag.strip() for flag in comment[2:].split(",")}

    def _take_keyword(self, number: int, keyword: str, string: str) -> None:
        is_plural = keyword == "msgid_plural" or keyword.startswith("msgstr[")
        if not is_plural and keyword not in {"msgctxt", "msgid", "msgstr"}:
            self._damage(number, "not-po", f"{keyword} is not a keyword of PO")
            return
        entry = self._entry
        begins = keyword == "msgctxt" or (keyword == "msgid" and (entry is None or entry.has("msgid")))
        if entry is None or begins:
            self.end()
            entry = self._entry = Entry(number, fuzzy=self._fuzzy)
            self._fuzzy = False
        if keyword == "msgstr" and entry.has("msgstr"):
            self._place.at(entry.context, number).report("duplicate-msgstr", "the entry already has a msgstr")
        entry.is_plural = entry.is_plural or is_plural
        entry.begin(keyword, string)

    def _note_unreadable(self, number: int, line: str) -> None:
        if _BAD_ESCAPE.match(line):
            self._damage(number, "bad-escape", r"only \n, \t, \r, \" and \\ may be escaped")
        elif _UNTERMINATED.fullmatch(line):
            self._damage(number, "unterminated-string", "the string has no end in its line")
        else:
            self._damage(number, "not-po", 'expected a comment, a keyword with its "string", or a "string"')

    def _damage(self, number: int, rule: str, message: str) -> None:
        """Note what is wrong with a line, and ask nothing more of the entry it is in."""
        self._entry = self._entry or Entry(number, fuzzy=False)
        self._entry.is_damaged = True
        self._place.at(self._entry.context, number).report(rule, message)
