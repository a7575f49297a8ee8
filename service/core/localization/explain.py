"""Why a caller sees each string of a title in the language that they do. Pure."""

from collections.abc import Iterator

import msgspec

from service.core.catalog.model import Achievement
from service.core.languages import negotiation
from service.core.publishing.published_title import PublishedTitle


class StringExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One string. `locale` is where it comes from, None where nobody has it; `lacked_by` those asked before, in order.

    `is_with_others`: the title gives an achievement's strings one language, and that one decided.
    """

    key: str
    locale: str | None
    text: str | None
    locales_without_text: tuple[str, ...]
    is_with_others: bool = False


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller sees of a release. `chain` is the order in which locales are asked; its last is the default."""

    release: int
    chain: tuple[str, ...]
    strings: tuple[StringExplanation, ...]


def explain(
    published: PublishedTitle, accept_language: str, country: str | None, *, max_distance: int = 50
) -> Explanation:
    """For each string that is served of a title, by key, which locale a caller with this header and country sees."""
    chain = negotiation.chain(
        accept_language,
        country=country,
        locales=published.locales,
        default=published.title.default_locale,
        max_distance=max_distance,
    )
    own_chains = dict(_own_chains(published, chain)) if published.title.text_unit == "achievement" else {}
    keys = sorted({key for texts in published.texts.values() for key in texts})
    return Explanation(
        release=published.release,
        chain=chain,
        strings=tuple(_explained(published, key, chain, own_chains.get(key)) for key in keys),
    )


def _explained(
    published: PublishedTitle, key: str, chain: tuple[str, ...], own: tuple[str, ...] | None
) -> StringExplanation:
    walked = chain if own is None else own
    has = [key in published.texts.get(locale, {}) for locale in walked]
    index = has.index(True) if True in has else len(walked)
    locale = walked[index] if index < len(walked) else None
    return StringExplanation(
        key=key,
        locale=locale,
        text=None if locale is None else published.texts[locale][key],
        locales_without_text=tuple(name for name in chain[:index] if key not in published.texts.get(name, {})),
        is_with_others=any(key in published.texts.get(name, {}) for name in chain[:index]),
    )


def _own_chains(published: PublishedTitle, chain: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The chain of each string of an achievement, where all of its strings are in one language."""
    achievements: tuple[Achievement, ...] = tuple(published.every.values())
    for achievement in achievements:
        keys = published.keys_of(achievement)
        coherent = published.single_language_chain(keys, chain)
        yield from ((key, coherent) for key in keys)
