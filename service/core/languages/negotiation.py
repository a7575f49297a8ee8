"""Which language each player reads: for each title a chain of locales, walked by every string on its own. Pure.

Best fit after CLDR (`language_distance.py`) over what the header asks for, then over what the player's country speaks,
then the title's default. Language never causes an error: whatever a header holds, there is a chain.
"""

import functools
import itertools

import msgspec
from babel.languages import get_official_languages

from service.core.languages.accept_language import MAX_FIELD, Preference, parse_accept_language
from service.core.languages.matching import COUNTRIES, EIGHTHS, Maximized, distance, is_likely, is_paradigm, maximize
from service.core.languages.tags import canonical_locale

__all__ = ["canonical_locale", "chain"]

# ICU's demotion for each further range of a list: more than a mere region (3 to 5 units), less than another script.
_DEMOTION = 5 * EIGHTHS


def chain(
    accept_language: str, *, country: str | None, locales: tuple[str, ...], default: str, max_distance: int = 50
) -> tuple[str, ...]:
    """The locales in which to look for each string of a title, best first; the default is always the last, once.

    `locales` are the published ones in the title's order; the chain holds them as they are spelled there. `country` is
    where the player is, ISO 3166 in any case; one that is unknown says nothing. `max_distance` is in CLDR's units, and
    exclusive: 50 includes related languages (ca → es), 11 only dialects.

    A chain ends at the default even where more locales would match, because the default has every text. Equal chains
    are the same object while they are in use, so fragments can be kept by chain.
    """
    # One character more than is read, so that a member that was cut still shows.
    return _chain(accept_language[: MAX_FIELD + 1], (country or "").upper(), locales, default, max_distance)


class _Offer(msgspec.Struct, frozen=True):
    """A locale that a title has. `tie` decides among equals: paradigm locale first, likely region first, title order."""

    locale: str
    maximized: Maximized
    tie: tuple[bool, bool, int]


@functools.lru_cache(maxsize=4096)
def _chain(
    accept_language: str, country: str, locales: tuple[str, ...], default: str, max_distance: int
) -> tuple[str, ...]:
    preference = _preference(accept_language)
    offers = [offer for offer in _offers(locales) if not _is_refused(offer.locale, preference)]
    asked = tuple(name for name in preference.ranges if name != "*")
    ranked = _ranked(asked, offers, max_distance)
    if default not in ranked:
        ranked += _ranked(_spoken_in(country), offers, max_distance)
    before_default = itertools.takewhile(lambda locale: locale != default, ranked)
    return _interned((*dict.fromkeys(before_default), default))


_preference = functools.lru_cache(maxsize=4096)(parse_accept_language)


@functools.lru_cache(maxsize=4096)  # as many as there are chains in use
def _interned(locales: tuple[str, ...]) -> tuple[str, ...]:
    return locales


@functools.lru_cache(maxsize=1024)
def _offers(locales: tuple[str, ...]) -> tuple[_Offer, ...]:
    offers = []
    for position, locale in enumerate(dict.fromkeys(locales)):
        maximized = maximize(locale)
        offers.append(_Offer(locale, maximized, (not is_paradigm(maximized), not is_likely(maximized), position)))
    return tuple(offers)


@functools.lru_cache(maxsize=512)  # more than there are countries
def _spoken_in(country: str) -> tuple[str, ...]:
    """What a country speaks: the likeliest language, then the official ones; nothing where it is none.

    Not those that are official only in fact: with them Ukraine also yields Russian, which is not ours to decide.
    """
    return (f"und-{country}", *get_official_languages(country)) if country in COUNTRIES else ()


def _ranked(asked: tuple[str, ...], offers: list[_Offer], max_distance: int) -> list[str]:
    """The offers near enough to anything asked for, nearest first; each range counts as farther than the one before.

    The maximum bounds the distance alone. ICU bounds it with the demotion and so gives up after some ten ranges that
    match nothing; seed 002 says "work through the list".
    """
    desired = [maximize(name) for name in asked]
    found = []
    for offer in offers:
        scores = [
            (eighths + index * _DEMOTION, index)
            for index, each in enumerate(desired)
            if (eighths := distance(each, offer.maximized, below=max_distance)) is not None
        ]
        if scores:
            found.append((min(scores), offer.tie, offer.locale))
    return [locale for _, _, locale in sorted(found)]


def _is_refused(locale: str, preference: Preference) -> bool:
    """Whether a range of weight 0 covers it and no wanted one does that is as long (RFC 4647 §3.3.1)."""
    if not preference.refused:
        return False
    tag = locale.lower().replace("_", "-")
    return _covered(tag, preference.refused) > _covered(tag, preference.ranges)


def _covered(tag: str, ranges: tuple[str, ...]) -> int:
    """How many subtags the longest range has that covers a tag by prefix; 0 for `*`, -1 where none does."""
    lengths = [
        0 if name == "*" else name.count("-") + 1
        for name in ranges
        if name == "*" or f"{tag}-".startswith(f"{name.lower()}-")
    ]
    return max(lengths, default=-1)
