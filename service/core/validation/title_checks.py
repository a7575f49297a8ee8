"""What is unwise with the texts of a title taken together, in one locale: the text key, and what to look at. Pure."""

from collections.abc import Iterator

from service.core.catalog.model import TITLE_NAME, Draft, achievement_key
from service.core.validation import tokens, values


def translated_two_ways(draft: Draft, locale: str) -> Iterator[tuple[str, str]]:
    """Texts with one source that are translated otherwise than the first of them."""
    if locale == draft.title.default_locale:
        return
    sources = draft.texts.get(draft.title.default_locale, {})
    first: dict[str, tuple[str, str]] = {}
    for key, text in draft.texts[locale].items():
        if key not in sources:
            continue
        before, other = first.setdefault(sources[key], (key, text))
        if other != text:
            yield key, f"{values.shown(sources[key])} is {values.shown(other)} in {before}"


def spoilers(draft: Draft, locale: str) -> Iterator[tuple[str, str]]:
    """Locked descriptions of secrets that hold words of the name, or of what is shown once unlocked."""
    texts = draft.texts[locale]
    harmless = tokens.long_words(texts.get(TITLE_NAME, ""))
    for achievement in draft.achievements:
        key = achievement_key(achievement.number, "locked_description")
        if not achievement.is_secret or key not in texts:
            continue
        name = texts.get(achievement_key(achievement.number, "name"), "")
        unlocked = texts.get(achievement_key(achievement.number, "description"), "")
        told = tokens.long_words(texts[key]) & (tokens.long_words(name) | tokens.long_words(unlocked)) - harmless
        if told:
            yield key, f"the achievement is secret, and its locked description tells {', '.join(sorted(told))}"
