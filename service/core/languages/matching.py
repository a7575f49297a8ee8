"""How far a language that is offered lies from one that is asked for: CLDR's best fit (UTS #35, "Language Matching"). Pure.

The tables are in `language_data.json`, which `make language-data` makes from CLDR; there are no rules about single
languages here.
"""

import functools
import importlib.resources
import itertools
from collections.abc import Mapping

import msgspec

from service.core.languages import tags


class _Data(msgspec.Struct, frozen=True):
    """See locales/make_language_data.py, which writes it."""

    paradigm_locales: tuple[str, ...]
    unrelated: tuple[int, int, int]
    languages: dict[str, dict[str, int]]
    scripts: dict[str, dict[str, int]]
    regions: dict[str, tuple[tuple[str, str, str, int], ...]]
    variables: dict[str, frozenset[str]]
    contains: dict[str, tuple[str, ...]]


_DATA = msgspec.json.decode(
    importlib.resources.files("service.core.languages").joinpath("language_data.json").read_bytes(), type=_Data
)
_FAR, _OTHER_SCRIPT, _OTHER_REGION = _DATA.unrelated

_DIALECT = 10  # units: the largest distance of a dialect from its language

EIGHTHS = 8  # of a unit of distance, in which scores are counted
_EXPLICIT_LANGUAGE, _EXPLICIT_SCRIPT, _EXPLICIT_REGION = 4, 2, 1  # eighths, as in ICU 78

WORLD = "001"
COUNTRIES = frozenset(_DATA.contains[WORLD])  # ISO 3166, and Kosovo's XK
_PSEUDO_REGIONS = {"XA", "XB", "XC"}
_PSEUDO_VARIANTS = {"psaccent": "XA", "psbidi": "XB", "pscrack": "XC"}


class Maximized(msgspec.Struct, frozen=True):
    """A tag with its likeliest script and region. `explicit` are the eighths of the parts that it named itself."""

    language: str
    script: str
    region: str
    explicit: int


@functools.lru_cache(maxsize=4096)
def maximize(tag: str) -> Maximized:
    """What a tag means to the matcher: variants, extensions and private use are dropped.

    * `und` alone means nothing, and a tag that is none only itself (`i-klingon`, `x-bork`).
    * WW, the neutral region of Xbox, is the world.
    * Pseudo locales (`en-XA`, `en-PSACCENT`) are languages of their own, so they match only themselves.
    * An alias that brings a script does not make another language of one that CLDR has rules for: `sh` is `sh-Latn`.
    """
    subtags = tags.read(tag)
    if subtags is None or (subtags.language == "und" and not subtags.script and not subtags.region):
        return Maximized(tag.lower().replace("_", "-"), "", "", _EXPLICIT_LANGUAGE)
    explicit = (
        (_EXPLICIT_LANGUAGE if subtags.language != "und" else 0)
        + (_EXPLICIT_SCRIPT if subtags.script else 0)
        + (_EXPLICIT_REGION if subtags.region else 0)
    )
    known = tags.renamed(subtags)
    language, script, region = tags.filled_up(
        known.language, known.script, WORLD if known.region == "WW" else known.region
    )
    if subtags.language in _DATA.languages and tags.renamed(tags.Subtags(subtags.language)).script:
        language = subtags.language
    pseudo = next((_PSEUDO_VARIANTS[variant] for variant in known.variants if variant in _PSEUDO_VARIANTS), region)
    if pseudo in _PSEUDO_REGIONS:
        return Maximized(f"{language}-{pseudo}", script, known.region or pseudo, explicit)
    return Maximized(language, script, region, explicit)


def distance(desired: Maximized, supported: Maximized, *, below: int) -> int | None:
    """How far, in eighths of a unit, or None where it is not below so many whole units.

    At distance 0 the eighths prefer what is spelled alike: `zh-Hant` finds `zh-Hant` before `zh-TW`.
    """
    units = 0
    if desired.language != supported.language:
        units = _DATA.languages.get(desired.language, {}).get(supported.language, _FAR)
    if units < below and desired.script != supported.script:
        units += _script_distance(desired, supported)
    if units < below and desired.region != supported.region:
        language = desired.language if desired.language == supported.language else ""
        units += _region_distance(language, desired.script, desired.region, supported.region)
    if units >= below:
        return None
    return units * EIGHTHS if units else desired.explicit ^ supported.explicit


def served_by(language: str, *, below: int) -> Mapping[str, int] | None:
    """The other languages that one serves by a rule, with their distances; None if all are within so many units."""
    return None if below > _FAR else _SERVED.get(language, {})


def is_one_way(desired: str, supported: str) -> bool:
    """Whether speakers of one language are given another, farther than a dialect, and not the other way round.

    Tamil is given English and Catalan Spanish. Nynorsk and Bokmål are given each other, and Swiss German is a dialect.
    """
    units = _DATA.languages.get(desired, {}).get(supported, 0)
    return units > _DIALECT and desired not in _DATA.languages.get(supported, {})


def is_paradigm(locale: Maximized) -> bool:
    """Whether it is the model of its language or cluster for CLDR: en-US, en-GB, es-ES, es-419, pt-BR, pt-PT."""
    return (locale.language, locale.script, locale.region) in _PARADIGM


def is_likely(locale: Maximized) -> bool:
    """Whether its region is the likeliest one for its language in its script."""
    return tags.filled_up(locale.language, locale.script, "")[2] == locale.region


def _script_distance(desired: Maximized, supported: Maximized) -> int:
    rules = _DATA.scripts.get(f"{desired.language}-{desired.script}", {})
    return rules.get(f"{supported.language}-{supported.script}", _OTHER_SCRIPT)


@functools.lru_cache(maxsize=4096)
def _region_distance(language: str, script: str, desired: str, supported: str) -> int:
    """Between regions that are made of others, the largest distance of any two within (UTS #35)."""
    return max(
        next(
            (
                units
                for rule_script, from_, to, units in _DATA.regions.get(language, ())
                if rule_script in {"*", script} and _is_in(one, from_) and _is_in(other, to)
            ),
            _OTHER_REGION,
        )
        for one, other in itertools.product(_clusters(desired), _clusters(supported))
    )


def _is_in(cluster: frozenset[str], name: str) -> bool:
    if name.startswith("$!"):
        return name[2:] not in cluster
    return name == "*" or name.removeprefix("$") in cluster


@functools.cache
def _clusters(region: str) -> frozenset[frozenset[str]]:
    """The ways in which rules can see the countries of a region: what they name of each, a variable or itself."""
    return frozenset(
        frozenset({name for name, countries in _DATA.variables.items() if country in countries} | ({country} & _NAMED))
        for country in _DATA.contains.get(region, (region,))
    )


_SERVED: dict[str, dict[str, int]] = {}
for _desired, _distances in _DATA.languages.items():
    for _supported, _units in _distances.items():
        _SERVED.setdefault(_supported, {})[_desired] = _units

_NAMED = {name for rules in _DATA.regions.values() for rule in rules for name in rule[1:3] if name.isalnum()}
_PARADIGM = {(each.language, each.script, each.region) for each in map(maximize, _DATA.paradigm_locales)}
