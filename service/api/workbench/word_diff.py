"""What changed between two texts, by words: for the history of a string. Pure."""

import difflib
import re
from typing import Literal

import msgspec

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_PAIRS = 150 * 150  # of words: comparing takes up to the cube of as many words that repeat


class Piece(msgspec.Struct, frozen=True):
    """Some words that stayed, were put in, or were taken out."""

    kind: Literal["same", "added", "removed"]
    text: str


def word_diff(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in order: those without the removed ones are `after`, without the added ones `before`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) * len(new) > _MOST_PAIRS:
        old, new = [before], [after]
    pieces: list[Piece] = []
    for operation, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(Piece("same", "".join(old[i:j])))
            continue
        if i < j:
            pieces.append(Piece("removed", "".join(old[i:j])))
        if k < m:
            pieces.append(Piece("added", "".join(new[k:m])))
    return pieces
