"""The preview of an achievement's card as players see it in a locale, from the texts that are being edited."""

import re

import msgspec

from service.core.localization import strings
from service.core.localization.strings import String
from service.core.publishing.published_title import PublishedTitle
from service.db import Connection

_KEY = re.compile(r"(achievement/([0-9]{1,10})/)(name|description|locked_description)", re.ASCII)
FIELDS = ("name", "description", "locked_description")
_PAGE = 8  # strings: an achievement's own keys sort before those of its rewards


class CardText(msgspec.Struct, frozen=True):
    """A text on a card and its locale: the wanted one, or the source's where the text is missing."""

    text: str
    locale: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """An achievement. `field` is the one that is being edited; `icon` and `points` are those of the served release."""

    field: str
    texts: dict[str, CardText]
    is_secret: bool
    points: int
    icon: str | None


async def card_of(
    connection: Connection, title_id: int, string: String, *, text: str | None, published: PublishedTitle | None
) -> Card | None:
    """The card that shows a string, with `text` in its place; None for other strings."""
    match = _KEY.fullmatch(string.key)
    if match is None:
        return None
    prefix, number, field = match.groups()
    page = await strings.list_strings(connection, title_id, string.locale, after=prefix, count=_PAGE)
    texts = {}
    for other in page.strings:
        name = other.key.removeprefix(prefix)
        if other.key.startswith(prefix) and name in FIELDS:
            texts[name] = _card_text(other, other.text)
    texts[field] = _card_text(string, text)
    achievement = None if published is None else published.all_achievements.get(int(number))
    icon = None if achievement is None else achievement.icon
    return Card(
        field=field,
        texts={name: texts.get(name, CardText("", string.locale)) for name in FIELDS},
        is_secret=achievement is not None and achievement.is_secret,
        points=0 if achievement is None else achievement.gamerscore,
        icon=icon.url if icon is not None and icon.url.startswith("https://") and ".invalid/" not in icon.url else None,
    )


def _card_text(string: String, text: str | None) -> CardText:
    return CardText(text, string.locale) if text else CardText(string.source or "", string.source_locale)
