"""The checks that compare the texts of a title in one locale with each other, as a table of warnings. Pure.

A check takes the draft and a locale, and yields the text key and a message for each violation.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from service.core.catalog.model import TITLE_NAME, Draft, achievement_key
from service.core.validation import tokens, values


def _translated_two_ways(draft: Draft, locale: str) -> Iterator[tuple[str, str]]:
    """Texts with the same source but another translation than the first of them."""
    if locale == draft.title.default_locale:
        return
    sources = draft.texts.get(draft.title.default_locale, {})
    first: dict[str, tuple[str, str]] = {}
    for key, text in draft.texts[locale].items():
        if key not in sources:
            continue
        first_key, first_text = first.setdefault(sources[key], (key, text))
        if first_text != text:
            yield key, f"{values.shown(sources[key])} is translated as {values.shown(first_text)} in {first_key}"


def _spoilers(draft: Draft, locale: str) -> Iterator[tuple[str, str]]:
    """Locked descriptions of secret achievements that contain words of the name or of the unlocked description."""
    texts = draft.texts[locale]
    harmless = tokens.long_words(texts.get(TITLE_NAME, ""))
    for achievement in draft.achievements:
        key = achievement_key(achievement.number, "locked_description")
        if not achievement.is_secret or key not in texts:
            continue
        name = texts.get(achievement_key(achievement.number, "name"), "")
        unlocked = texts.get(achievement_key(achievement.number, "description"), "")
        revealed = tokens.long_words(texts[key]) & (tokens.long_words(name) | tokens.long_words(unlocked)) - harmless
        if revealed:
            yield key, f"the achievement is secret, but its locked description reveals {', '.join(sorted(revealed))}"


WARNINGS: Mapping[str, Callable[[Draft, str], Iterable[tuple[str, str]]]] = {
    "translated-two-ways": _translated_two_ways,
    "secret-spoiler": _spoilers,
}
