"""The one definition of characters that no short text of a request, a file or a command may have.

They are control characters, lone surrogates, line separators, and the controls that reorder the text around them (UAX #9):
embeddings, overrides and isolates. Marks such as U+200F, which reorder nothing, are allowed.
"""

import re

_CONTROLS = "\0-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"
_SEPARATORS = "\u2028\u2029"
_REORDERING = "\u202a-\u202e\u2066-\u2069"

CONTROL_CHARACTER = re.compile(f"[{_CONTROLS}{_SURROGATES}]")
"""One control character (Unicode category Cc), or one half of a surrogate pair (Cs), which UTF-8 cannot encode."""

_NOT_IN_A_LINE = re.compile(f"[{_CONTROLS}{_SURROGATES}{_SEPARATORS}{_REORDERING}]")
_LINES = re.compile(f"(?:[^{_CONTROLS}{_SURROGATES}{_SEPARATORS}{_REORDERING}]|\n)*")

LINE_EXPECTED = "in one line, without control characters"
LINES_EXPECTED = "no control characters but line breaks"


def has_control_character(text: str) -> bool:
    """Whether the text has a control character, line breaks included, or a lone surrogate: for ids, which nobody reads."""
    return CONTROL_CHARACTER.search(text) is not None


def is_line(text: str) -> bool:
    """Whether people see the text as it is stored, in one line: names, labels, reasons, values of attributes."""
    return _NOT_IN_A_LINE.search(text) is None


def is_lines(text: str) -> bool:
    """The same for a text with line breaks: notes."""
    return _LINES.fullmatch(text) is not None


def unsafe_character(text: str) -> re.Match[str] | None:
    """The first character that keeps the text from being a line."""
    return _NOT_IN_A_LINE.search(text)
