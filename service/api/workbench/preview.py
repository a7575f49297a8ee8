"""The card of an achievement as players see it in a locale, made of what is being edited."""

import re

import msgspec

from service.core.localization import strings
from service.core.localization.strings import String
from service.core.publishing.published_title import PublishedTitle
from service.db import Connection

_KEY = re.compile(r"(achievement/([0-9]{1,10})/)(name|description|locked_description)", re.ASCII)
FIELDS = ("name", "description", "locked_description")
_AROUND = 8  # strings: an achievement's own sort before those of its rewards


class Word(msgspec.Struct, frozen=True):
    """A text on a card, and the locale that it is in: where there is none in the wanted one, the source shows."""

    text: str
    locale: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """An achievement. `field` is the one that is being edited. `icon` and `points` are as published, if it is."""

    field: str
    words: dict[str, Word]
    is_secret: bool
    points: int
    icon: str | None


async def card_of(
    connection: Connection, title_id: int, string: String, *, text: str | None, published: PublishedTitle | None
) -> Card | None:
    """The card that a string stands on, with `text` in its place; None if it stands on none."""
    match = _KEY.fullmatch(string.key)
    if match is None:
        return None
    prefix, number, field = match.groups()
    around = await strings.list_strings(connection, title_id, string.locale, after=prefix, count=_AROUND)
    words = {}
    for one in around.strings:
        name = one.key.removeprefix(prefix)
        if one.key.startswith(prefix) and name in FIELDS:
            words[name] = _word(one, one.text)
    words[field] = _word(string, text)
    achievement = None if published is None else published.every.get(int(number))
    icons = [] if achievement is None else [asset.url for asset in achievement.media if asset.kind == "Icon"]
    return Card(
        field=field,
        words={name: words.get(name, Word("", string.locale)) for name in FIELDS},
        is_secret=achievement is not None and achievement.is_secret,
        points=0 if achievement is None else achievement.gamerscore,
        icon=next((url for url in icons if url.startswith("https://") and ".invalid/" not in url), None),
    )


def _word(string: String, text: str | None) -> Word:
    return Word(text, string.locale) if text else Word(string.source or "", string.source_locale)
