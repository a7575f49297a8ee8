"""Language tags (BCP 47): parsing, canonical spelling, and likely subtags (UTS #35). Pure; the data is Babel's CLDR."""

import functools
import re
from collections.abc import Iterable

import msgspec
from babel.core import Locale, get_global

MAX_TAG = 64  # characters

_LANGUAGES: dict[str, str] = dict(get_global("language_aliases"))
_SCRIPTS: dict[str, str] = dict(get_global("script_aliases"))
_REGIONS: dict[str, list[str]] = dict(get_global("territory_aliases"))
_VARIANTS: dict[str, str] = dict(get_global("variant_aliases"))
_LIKELY: dict[str, str] = dict(get_global("likely_subtags"))

_VARIANT = r"(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3})"
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<extended>[a-z]{3}))?(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    rf"(?P<variants>(?:-{_VARIANT})*)(?P<rest>(?:-[a-z0-9]{{1,8}})*)",
    re.IGNORECASE,
)
_PRIVATE = re.compile(r"-x(?:-[a-z0-9]{1,8})+", re.IGNORECASE)


class Subtags(msgspec.Struct, frozen=True):
    """The parts of a tag in canonical case, "" for a part that is missing. `variants` are sorted.

    `rest` is everything after the variants, with its leading `-`: extensions, private use, or unknown subtags.
    """

    language: str
    script: str = ""
    region: str = ""
    variants: tuple[str, ...] = ()
    rest: str = ""


def canonical_locale(tag: str) -> str:
    """The canonical spelling of a locale, by which catalogs key their texts: `FR_fr` is `fr-FR`, `iw` is `he`.

    Language, script, region, variants and private use (`en-x-pirate`) are kept; likely subtags are neither added nor
    removed. `@` may be followed by a script's English name or a variant, as in gettext: `sr@latin`, `ca@valencia`.

    Raises:
        ValueError: it is no language tag, or has an extension (`-u-…`), which catalogs do not distinguish.
    """
    body, at, modifier = tag.partition("@")
    subtags = parse_tag(body)
    if subtags is None or (subtags.rest and not _PRIVATE.fullmatch(subtags.rest)):
        raise _invalid_locale(tag)
    if at:
        subtags = _with_modifier(subtags, modifier.lower())
    if subtags is None:
        raise _invalid_locale(tag)
    subtags = apply_aliases(subtags)
    parts = (subtags.language, subtags.script, subtags.region, *subtags.variants)
    return "-".join(part for part in parts if part) + subtags.rest


def parse_tag(tag: str) -> Subtags | None:
    """The parts of a tag, written in any case and with `-` or `_`; None if it is no tag.

    An extended language replaces its prefix: `zh-yue` is `yue` (RFC 5646 §4.5).
    """
    match = _TAG.fullmatch(tag.replace("_", "-")) if len(tag) <= MAX_TAG else None
    if match is None:
        return None
    return Subtags(
        language=(match["extended"] or match["language"]).lower(),
        script=(match["script"] or "").title(),
        region=(match["region"] or "").upper(),
        variants=_variants(match["variants"].lower().split("-")),
        rest=match["rest"].lower(),
    )


def apply_aliases(subtags: Subtags) -> Subtags:
    """The tag with CLDR's aliases replaced: `iw` → `he`, `cmn` → `zh`, `sh` → `sr-Latn`, `UK` → `GB`.

    A region with several successors (`SU`) becomes the one that is likely for the language, else the first.
    """
    alias = subtags
    if (replacement := _LANGUAGES.get(subtags.language)) is not None:
        alias = parse_tag(replacement) or subtags
    script = _SCRIPTS.get(subtags.script, subtags.script) or alias.script
    region = subtags.region or alias.region
    if successors := _REGIONS.get(region):
        likely = add_likely_subtags(alias.language, script, "")[2]
        region = likely if likely in successors else successors[0]
    return Subtags(alias.language, script, region, _variants(subtags.variants), subtags.rest)


def add_likely_subtags(language: str, script: str, region: str) -> tuple[str, str, str]:
    """Language, script and region, with the likeliest one in place of each that is "" (UTS #35, "Add Likely Subtags").

    A language of `und` is replaced too. A part stays "" if CLDR has no likely one.
    """
    for key in ((language, script, region), (language, script), (language, "", region), (language,)):
        if likely := _LIKELY.get("_".join(filter(None, key))):
            likely_language, likely_script, likely_region = likely.split("_")
            return likely_language if language == "und" else language, script or likely_script, region or likely_region
    return language, script, region


def _variants(variants: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_VARIANTS.get(variant, variant) for variant in variants if variant}))


def _with_modifier(subtags: Subtags, modifier: str) -> Subtags | None:
    if script := _scripts_by_name().get(modifier):
        return Subtags(subtags.language, script, subtags.region, subtags.variants, subtags.rest)
    if re.fullmatch(_VARIANT, modifier):
        variants = _variants([*subtags.variants, modifier])
        return Subtags(subtags.language, subtags.script, subtags.region, variants, subtags.rest)
    return None


@functools.cache
def _scripts_by_name() -> dict[str, str]:
    return {name.lower(): code for code, name in Locale("en").scripts.items()}


def _invalid_locale(tag: str) -> ValueError:
    shown = tag if len(tag) <= MAX_TAG else tag[: MAX_TAG - 1] + "…"
    return ValueError(f"expected a language tag such as fr-FR or zh-Hant-TW, got {shown!r}")
