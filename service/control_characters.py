"""Control characters and lone surrogates, which no short text of a request or file may have."""

import re

CONTROL_CHARACTER = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
"""One control character (Unicode category Cc), or one half of a surrogate pair (Cs), which UTF-8 cannot encode."""


def has_control_character(text: str) -> bool:
    """Whether the text has a control character, line breaks included, or a lone surrogate."""
    return CONTROL_CHARACTER.search(text) is not None
