"""The keys of a title's texts: which ones its definitions provide for, and which field each one is. Pure."""

import re
from collections.abc import Iterable, Iterator

from service.core.catalog import model
from service.core.catalog.model import Achievement, Draft, Title

STRING_PREFIX = "string/"  # of the keys of texts that belong to no achievement

ACHIEVEMENT_KEY = re.compile(
    "achievement/(?P<number>[0-9]+)/"
    "(?:reward/(?P<reward>gamerscore|inapp|art)/)?(?P<field>name|description|locked_description)"
)


def keys_of(title: Title, achievements: Iterable[Achievement]) -> Iterator[str]:
    """The keys of all texts that a title with these achievements can have: the title's name, metrics, achievements."""
    yield model.TITLE_NAME
    for metric in title.metrics:
        yield model.metric_key(metric.key)
    for achievement in achievements:
        yield from achievement.text_keys()
        for reward in achievement.rewards:
            yield model.reward_key(achievement.number, reward.kind, "name")
            yield model.reward_key(achievement.number, reward.kind, "description")


def written_keys(draft: Draft) -> list[str]:
    """The keys of all texts that the default locale has, in the order of `keys_of`, then those of no achievement."""
    sources = draft.texts.get(draft.title.default_locale, {})
    strings = (key for key in sorted(sources) if key.startswith(STRING_PREFIX))
    return [key for key in (*keys_of(draft.title, draft.achievements), *strings) if key in sources]


def field_of(key: str) -> str:
    """The field of an achievement's text, such as `name` or `reward/name`; the key itself for any other text."""
    match = ACHIEVEMENT_KEY.fullmatch(key)
    if match is None:
        return key
    return match["field"] if match["reward"] is None else f"reward/{match['field']}"
