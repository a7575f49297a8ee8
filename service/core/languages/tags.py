"""Language tags, BCP 47: read, spelled canonically, and filled up with what is likely. Pure; the data is Babel's CLDR."""

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
    """The parts of a tag in their usual case, "" where it has none. `variants` are sorted.

    `rest` is what follows them, with its leading `-`: extensions, private use, or what no rule knows.
    """

    language: str
    script: str = ""
    region: str = ""
    variants: tuple[str, ...] = ()
    rest: str = ""


def canonical_locale(tag: str) -> str:
    """The one spelling of a locale that catalogues use as a key: `FR_fr` is `fr-FR`, `iw` is `he`.

    Language, script, region, variants and private use (`en-x-pirate`) are kept; nothing likely is added or taken
    away. `@` may bring a script by its English name or a variant, as gettext writes it: `sr@latin`, `ca@valencia`.

    Raises:
        ValueError: it is no such tag, or one with an extension (`-u-…`), by which no catalogue can differ.
    """
    body, at, modifier = tag.partition("@")
    subtags = read(body)
    if subtags is None or (subtags.rest and not _PRIVATE.fullmatch(subtags.rest)):
        raise _no_locale(tag)
    if at:
        subtags = _modified(subtags, modifier.lower())
    if subtags is None:
        raise _no_locale(tag)
    subtags = renamed(subtags)
    parts = (subtags.language, subtags.script, subtags.region, *subtags.variants)
    return "-".join(part for part in parts if part) + subtags.rest


def read(tag: str) -> Subtags | None:
    """The parts of a tag in any case, with `-` or `_`; None where it does not even begin like one.

    An extended language stands for itself: `zh-yue` is `yue` (RFC 5646 §4.5).
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


def renamed(subtags: Subtags) -> Subtags:
    """The same with CLDR's aliases applied: `iw` → `he`, `cmn` → `zh`, `sh` → `sr-Latn`, `UK` → `GB`.

    Of a region that fell apart (`SU`), the part that is likely for the language, else the first.
    """
    alias = read(_LANGUAGES.get(subtags.language, subtags.language)) or subtags
    script = _SCRIPTS.get(subtags.script, subtags.script) or alias.script
    region = subtags.region or alias.region
    if successors := _REGIONS.get(region):
        likely = filled_up(alias.language, script, "")[2]
        region = likely if likely in successors else successors[0]
    return Subtags(alias.language, script, region, _variants(subtags.variants), subtags.rest)


def filled_up(language: str, script: str, region: str) -> tuple[str, str, str]:
    """Language, script and region with the likeliest where there was none (UTS #35, "Add Likely Subtags").

    "" stays where CLDR knows of none. A language of `und` is the one to find.
    """
    for key in ((language, script, region), (language, script), (language, "", region), (language,)):
        if likely := _LIKELY.get("_".join(filter(None, key))):
            found, its_script, its_region = likely.split("_")
            return found if language == "und" else language, script or its_script, region or its_region
    return language, script, region


def _variants(variants: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_VARIANTS.get(variant, variant) for variant in variants if variant}))


def _modified(subtags: Subtags, modifier: str) -> Subtags | None:
    if script := _scripts_by_name().get(modifier):
        return Subtags(subtags.language, script, subtags.region, subtags.variants, subtags.rest)
    if re.fullmatch(_VARIANT, modifier):
        variants = _variants([*subtags.variants, modifier])
        return Subtags(subtags.language, subtags.script, subtags.region, variants, subtags.rest)
    return None


@functools.cache
def _scripts_by_name() -> dict[str, str]:
    return {name.lower(): code for code, name in Locale("en").scripts.items()}


def _no_locale(tag: str) -> ValueError:
    shown = tag if len(tag) <= MAX_TAG else tag[: MAX_TAG - 1] + "…"
    return ValueError(f"expected a language tag such as fr-FR or zh-Hant-TW, got {shown!r}")
