"""Pseudo-locales: the default texts made odd, to find hard-coded, clipped and misplaced words before translators do. Pure.

`en-XA` has accents, is longer by 35 %, and stands in brackets; `ar-XB` runs from right to left. What a program fills
in, tags and addresses stay as they are. Nobody gets them but who asks for exactly these tags (`language_distance.py`).
"""

import math
import re
from collections.abc import Callable, Mapping

from service.core.catalog.model import Texts
from service.core.validation.tokens import pieces

GROWTH = 0.35  # translations of short English texts grow by a third and more
_ACCENTS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž",
)
_FILLER = " one two three four five six seven eight nine ten"
_RIGHT_TO_LEFT = "\u200f\u202e{}\u202c\u200f"  # a mark, an override around the word, a mark


def accented(text: str) -> str:
    """The text with accents, filled up and in brackets: `[Ļîĝĥţ ţĥé ļåɱþ. one ]`."""
    words = "".join(piece.translate(_ACCENTS) if is_words else piece for piece, is_words in pieces(text))
    needed = math.ceil(len(text) * GROWTH)
    filler = _FILLER * (needed // len(_FILLER) + 1)
    return f"[{words}{filler[:needed]}]"


def mirrored(text: str) -> str:
    """The text with every word running from right to left."""
    return "".join(
        re.sub(r"\S+", lambda word: _RIGHT_TO_LEFT.format(word[0]), piece) if is_words else piece
        for piece, is_words in pieces(text)
    )


LOCALES: Mapping[str, Callable[[str], str]] = {"en-XA": accented, "ar-XB": mirrored}


def with_pseudo(texts: Texts, *, default_locale: str) -> Texts:
    """The texts, and behind them the pseudo-locales made of the default ones, where a title has none of its own."""
    source = texts.get(default_locale, {})
    made = {locale: {key: make(text) for key, text in source.items()} for locale, make in LOCALES.items()}
    return {**texts, **{locale: found for locale, found in made.items() if locale not in texts}}
