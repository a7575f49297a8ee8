"""The distance between a desired and a supported locale: CLDR's best fit (UTS #35, "Language Matching"). Pure.

The tables are in `language_data.json`, which `make language-data` generates from CLDR; this module has no rules for
single languages.
"""

import functools
import importlib.resources
import itertools
from collections.abc import Mapping

import msgspec

from service.core.languages import tags


class _Data(msgspec.Struct, frozen=True):
    """The tables, as locales/make_language_data.py writes and describes them."""

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
    """A tag with its likely subtags added. `explicit` is the sum of the eighths of the parts that the tag itself names."""

    language: str
    script: str
    region: str
    explicit: int


@functools.lru_cache(maxsize=4096)
def maximize(tag: str) -> Maximized:
    """A tag as the matcher compares it: without variants, extensions and private use.

    * `und` alone, and what is no tag (`i-klingon`, `x-bork`), match only themselves.
    * WW, the neutral region of Xbox, is the world (001).
    * Pseudo locales (`en-XA`, `en-PSACCENT`) are languages of their own, so that they match only themselves.
    * A language with rules in CLDR keeps its code even if its alias also adds a script: `sh` is `sh-Latn`.
    """
    subtags = tags.parse_tag(tag)
    if subtags is None or (subtags.language == "und" and not subtags.script and not subtags.region):
        return Maximized(tag.lower().replace("_", "-"), "", "", _EXPLICIT_LANGUAGE)
    explicit = (
        (_EXPLICIT_LANGUAGE if subtags.language != "und" else 0)
        + (_EXPLICIT_SCRIPT if subtags.script else 0)
        + (_EXPLICIT_REGION if subtags.region else 0)
    )
    canonical = tags.apply_aliases(subtags)
    language, script, region = tags.add_likely_subtags(
        canonical.language, canonical.script, WORLD if canonical.region == "WW" else canonical.region
    )
    if subtags.language in _DATA.languages and tags.apply_aliases(tags.Subtags(subtags.language)).script:
        language = subtags.language
    pseudo = next((_PSEUDO_VARIANTS[variant] for variant in canonical.variants if variant in _PSEUDO_VARIANTS), region)
    if pseudo in _PSEUDO_REGIONS:
        return Maximized(f"{language}-{pseudo}", script, canonical.region or pseudo, explicit)
    return Maximized(language, script, region, explicit)


def distance(desired: Maximized, supported: Maximized, *, below: int) -> int | None:
    """The distance in eighths of a unit; None if it is not below so many whole units.

    At distance 0 the eighths prefer the same spelling: `zh-Hant` matches `zh-Hant` before `zh-TW`.
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
    """The other languages whose speakers may be given this one, with their distances; None if all may."""
    return None if below > _FAR else _SERVED.get(language, {})


def is_one_way(desired: str, supported: str) -> bool:
    """Whether CLDR matches the desired language with the supported one, farther than a dialect, but not the reverse.

    Tamil matches English and Catalan Spanish. Nynorsk and Bokmål match each other, and Swiss German is a dialect.
    """
    units = _DATA.languages.get(desired, {}).get(supported, 0)
    return units > _DIALECT and desired not in _DATA.languages.get(supported, {})


def is_paradigm(locale: Maximized) -> bool:
    """Whether it is one of CLDR's paradigm locales: en-US, en-GB, es-ES, es-419, pt-BR, pt-PT."""
    return (locale.language, locale.script, locale.region) in _PARADIGM


def is_likely(locale: Maximized) -> bool:
    """Whether its region is the likely one for its language and script."""
    return tags.add_likely_subtags(locale.language, locale.script, "")[2] == locale.region


def _script_distance(desired: Maximized, supported: Maximized) -> int:
    rules = _DATA.scripts.get(f"{desired.language}-{desired.script}", {})
    return rules.get(f"{supported.language}-{supported.script}", _OTHER_SCRIPT)


@functools.lru_cache(maxsize=4096)
def _region_distance(language: str, script: str, desired: str, supported: str) -> int:
    """The distance of two regions; of regions that contain others, the largest of any two countries in them (UTS #35)."""
    return max(
        next(
            (
                units
                for rule_script, from_, to, units in _DATA.regions.get(language, ())
                if rule_script in {"*", script} and _is_in(desired_cluster, from_) and _is_in(supported_cluster, to)
            ),
            _OTHER_REGION,
        )
        for desired_cluster, supported_cluster in itertools.product(_clusters(desired), _clusters(supported))
    )


def _is_in(cluster: frozenset[str], name: str) -> bool:
    if name.startswith("$!"):
        return name[2:] not in cluster
    return name == "*" or name.removeprefix("$") in cluster


@functools.cache
def _clusters(region: str) -> frozenset[frozenset[str]]:
    """For each country of a region, the names by which rules can refer to it: variables that contain it, and itself."""
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
