"""Word-level differences between two texts, for the history of a string. Pure."""

import difflib
import re
from typing import Literal

import msgspec

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MAX_PAIRS = 150 * 150  # of words; the time grows with up to the cube of the number of repeated words


class Piece(msgspec.Struct, frozen=True):
    """Words that are in both texts, only in the new one, or only in the old one."""

    kind: Literal["same", "added", "removed"]
    text: str


def word_diff(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in order: without the removed ones they are `after`, without the added ones `before`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) * len(new) > _MAX_PAIRS:
        old, new = [before], [after]
    pieces: list[Piece] = []
    for operation, old_start, old_end, new_start, new_end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if operation == "equal":
            pieces.append(Piece("same", "".join(old[old_start:old_end])))
            continue
        if old_start < old_end:
            pieces.append(Piece("removed", "".join(old[old_start:old_end])))
        if new_start < new_end:
            pieces.append(Piece("added", "".join(new[new_start:new_end])))
    return pieces
