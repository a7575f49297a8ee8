"""Explains for each string of a title in which locale a caller sees it, and why. Pure."""

from collections.abc import Iterator

import msgspec

from service.concurrency.steps import Steps
from service.core.publishing.published_title import PublishedTitle


class StringExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One string. `locale` is the one that supplies it, None where no locale of the chain does.

    `locales_without_text` are the locales before it in the chain that have no text, in order. `is_with_others`: a
    locale before it has a text, but the title shows all strings of an achievement in one language.
    """

    key: str
    locale: str | None
    text: str | None
    locales_without_text: tuple[str, ...]
    is_with_others: bool = False


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller sees of a release. `chain` is the order in which locales are tried; the default locale is last."""

    release: int
    chain: tuple[str, ...]
    strings: tuple[StringExplanation, ...]


def explain(
    published: PublishedTitle, accept_language: str, country: str | None, *, max_distance: int
) -> Steps[Explanation]:
    """Which locale a caller with this Accept-Language and country sees each served string in, ordered by key.

    `max_distance` is how distant a language may be to be used instead of a wanted one (CLDR language matching).
    """
    chain = published.full_chain_for(accept_language, country=country, max_distance=max_distance)
    own_chains: dict[str, tuple[str, ...]] = {}
    if published.title.text_unit == "achievement":
        for own in _own_chains(published, chain):
            own_chains.update(own)
            yield
    keys: dict[str, None] = {}  # in the order of the texts, which is that of the keys: sorting them takes no time
    for texts in published.texts.values():
        keys.update(dict.fromkeys(texts))
        yield
    strings = []
    for key in sorted(keys):
        strings.append(_explain_string(published, key, chain, own_chains.get(key)))
        yield
    return Explanation(release=published.release, chain=chain, strings=tuple(strings))


def _explain_string(
    published: PublishedTitle, key: str, chain: tuple[str, ...], own: tuple[str, ...] | None
) -> StringExplanation:
    tried = chain if own is None else own
    has_text = [key in published.texts.get(locale, {}) for locale in tried]
    index = has_text.index(True) if True in has_text else len(tried)
    locale = tried[index] if index < len(tried) else None
    return StringExplanation(
        key=key,
        locale=locale,
        text=None if locale is None else published.texts[locale][key],
        locales_without_text=tuple(name for name in chain[:index] if key not in published.texts.get(name, {})),
        is_with_others=any(key in published.texts.get(name, {}) for name in chain[:index]),
    )


def _own_chains(published: PublishedTitle, chain: tuple[str, ...]) -> Iterator[dict[str, tuple[str, ...]]]:
    """The chain of each string, achievement by achievement, where all strings of one are in one language."""
    for achievement in published.all_achievements.values():
        keys = published.keys_of(achievement)
        yield dict.fromkeys(keys, published.single_language_chain(keys, chain))
