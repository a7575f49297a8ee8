"""Pseudo-locales: altered default texts that reveal hard-coded, clipped and mirrored words before translation. Pure.

`en-XA` adds accents, brackets and 35 % more length; `ar-XB` runs from right to left. Placeholders, markup and addresses
stay unchanged. Language matching never chooses a pseudo-locale unless exactly its tag was requested.
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
    """The text with accents, padded and in brackets: `[Ļîĝĥţ ţĥé ļåɱþ. one t]`."""
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
    """The texts, followed by pseudo-locales made of the default ones; a title's own texts of such a locale stay."""
    source = texts.get(default_locale, {})
    pseudo = {locale: {key: alter(text) for key, text in source.items()} for locale, alter in LOCALES.items()}
    return {**texts, **{locale: of_locale for locale, of_locale in pseudo.items() if locale not in texts}}
