"""Language negotiation: a chain of locales for each title and caller, walked by every string on its own. Pure.

CLDR's best fit (`matching.py`) over the ranges of Accept-Language, then over what the caller's country speaks, then the
title's default. Language never causes an error: whatever a header holds, there is a chain.
"""

import functools
import hashlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from babel.languages import get_official_languages
from cachetools import FIFOCache

from service.core.languages.accept_language import MAX_FIELD, Preference, parse_accept_language
from service.core.languages.matching import (
    COUNTRIES,
    EIGHTHS,
    Maximized,
    distance,
    is_likely,
    is_one_way,
    is_paradigm,
    maximize,
    served_by,
)
from service.core.languages.tags import canonical_locale

__all__ = ["bounded_key", "canonical_locale", "chain"]

# ICU's demotion for each further range of a list: more than a mere region (3 to 5 units), less than another script.
_DEMOTION = 5 * EIGHTHS
_KEY_CHARACTERS = 256  # a longer header is named by its digest
_KEPT_CHAINS = 4096  # some 2 MB, as a key has at most 256 characters and equal chains are one object
_KEPT_RANGES = 32_768  # of all headers that are kept parsed, some 8 MB

Chain = tuple[str, ...]


def chain(
    accept_language: str, *, country: str | None, locales: tuple[str, ...], default: str, max_distance: int
) -> Chain:
    """The locales in which to look for each string of a title, best first; the default is always the last, once.

    `locales` are the published ones in the title's order; the chain holds them as they are spelled there. `country` is
    where the caller is, ISO 3166 in any case; an unknown one is ignored. `max_distance` is in CLDR's units, and
    exclusive: 50 includes related languages (ca → es), 11 only dialects.

    Languages that the list reaches one way only and farther than a dialect (ta → en, ca → es) come after the
    country's; related ones (nn ↔ nb, gsw → de) and regions come before. A chain ends at the default even where more
    locales would match, because the default has every text. Equal chains are the same object while they are in use, so
    that fragments can be kept by chain.
    """
    key = bounded_key(accept_language), (country or "").upper(), locales, default, max_distance
    try:
        return _chains[key]
    except KeyError:
        found = _negotiated(
            key[0], accept_language, country=key[1], locales=locales, default=default, max_distance=max_distance
        )
        with _lock:
            _chains[key] = found
        return found


def bounded_key(accept_language: str) -> str:
    """A name for a header value, at most 256 characters: equal for equal values, a digest of a long one."""
    if len(accept_language) <= _KEY_CHARACTERS:
        return accept_language
    # One character more than is read, so that a member that was cut still shows.
    read = accept_language[: MAX_FIELD + 1].encode("utf-8", "surrogatepass")
    return f"blake2b {hashlib.blake2b(read, digest_size=20).hexdigest()}"


class _Offer(msgspec.Struct, frozen=True):
    """A locale that a title has. `tie` decides among equals: paradigm locale first, likely region first, title order."""

    locale: str
    maximized: Maximized
    tie: tuple[bool, bool, int]


class _Request(msgspec.Struct, frozen=True):
    """A parsed header: its ranges by language, each with its index in the order of preference."""

    preference: Preference
    by_language: Mapping[str, Sequence[tuple[int, Maximized]]]

    def candidates(self, language: str, *, max_distance: int) -> Iterator[tuple[int, Maximized]]:
        """The ranges whose speakers may be given a locale of this language."""
        served = served_by(language, below=max_distance)
        languages = (
            self.by_language.keys() if served is None else (served.keys() | {language}) & self.by_language.keys()
        )
        return itertools.chain.from_iterable(self.by_language[each] for each in languages)


_Score = tuple[int, int]
"""The distance with its demotion, in eighths of a unit, and the index of the range; less is better."""


def _size(request: _Request) -> int:
    return 1 + len(request.preference.ranges) + len(request.preference.refused)


_lock = threading.Lock()  # what is kept is read without it
_chains: FIFOCache[tuple[str, str, tuple[str, ...], str, int], Chain] = FIFOCache(_KEPT_CHAINS)
_requests: FIFOCache[str, _Request] = FIFOCache(_KEPT_RANGES, getsizeof=_size)


def _negotiated(
    key: str, accept_language: str, *, country: str, locales: tuple[str, ...], default: str, max_distance: int
) -> Chain:
    request = _read(key, accept_language)
    offers = [offer for offer in _offers(locales) if not _is_refused(offer.locale, request.preference)]
    spoken = _spoken_in(country)
    if spoken is None:
        near, far = _ranked(request, offers, max_distance), []
    else:
        near, far = _ranked(request, offers, max_distance, far=False), _ranked(request, offers, max_distance, far=True)
    ranked = near
    if default not in near:
        ranked = near + ([] if spoken is None else _ranked(spoken, offers, max_distance)) + far
    before_default = itertools.takewhile(lambda locale: locale != default, ranked)
    return _interned((*dict.fromkeys(before_default), default))


def _read(key: str, accept_language: str) -> _Request:
    try:
        return _requests[key]
    except KeyError:
        request = _request(parse_accept_language(accept_language))
        with _lock:
            _requests[key] = request
        return request


def _request(preference: Preference) -> _Request:
    by_language: dict[str, list[tuple[int, Maximized]]] = {}
    for index, name in enumerate(name for name in preference.ranges if name != "*"):
        maximized = maximize(name)
        by_language.setdefault(maximized.language, []).append((index, maximized))
    return _Request(preference, by_language)


@functools.lru_cache(maxsize=4096)  # as many as there are chains in use
def _interned(locales: Chain) -> Chain:
    return locales


@functools.lru_cache(maxsize=1024)
def _offers(locales: tuple[str, ...]) -> tuple[_Offer, ...]:
    offers = []
    for position, locale in enumerate(dict.fromkeys(locales)):
        maximized = maximize(locale)
        offers.append(_Offer(locale, maximized, (not is_paradigm(maximized), not is_likely(maximized), position)))
    return tuple(offers)


@functools.lru_cache(maxsize=512)  # more than there are countries
def _spoken_in(country: str) -> _Request | None:
    """What a country speaks: the likeliest language, then the official ones; None for an unknown country.

    Not those that are official only in fact: with them Ukraine also yields Russian, which is not ours to decide.
    """
    if country not in COUNTRIES:
        return None
    return _request(Preference((f"und-{country}", *get_official_languages(country))))


def _ranked(request: _Request, offers: Sequence[_Offer], max_distance: int, *, far: bool | None = None) -> list[str]:
    """The offers near enough to any range, best first; each range counts as farther than the one before.

    `far` leaves only one-way matches of other languages, or only the others; None is all.

    The maximum bounds the distance alone. ICU bounds it with the demotion and so gives up after some ten ranges that
    match nothing; the Xbox document says "work through the list".
    """
    ranked = []
    for offer in offers:
        scores: list[_Score] = [
            (eighths + index * _DEMOTION, index)
            for index, desired in request.candidates(offer.maximized.language, max_distance=max_distance)
            if (far is None or far == is_one_way(desired.language, offer.maximized.language))
            and (eighths := distance(desired, offer.maximized, below=max_distance)) is not None
        ]
        if scores:
            ranked.append((min(scores), offer.tie, offer.locale))
    return [locale for _, _, locale in sorted(ranked)]


def _is_refused(locale: str, preference: Preference) -> bool:
    """Whether a range of weight 0 covers it and no preferred range that is as long (RFC 4647 §3.3.1)."""
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
