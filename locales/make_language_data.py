# ruff: noqa: INP001  (a script beside its data, no package)
"""Generate service/core/languages/language_data.json, the language matching table, from the npm package cldr-core.

    python locales/make_language_data.py <folder of the unpacked package> <folder to write into>

Unicode's licence is written beside it, as `language_data.LICENSE`. All rules about languages come from CLDR's
`languageMatching` and `territoryContainment` (UTS #35 part 1, "Language Matching").
"""

import itertools
import json
import pathlib
import shutil
import sys
from typing import Any

NOTICE = (
    "Made by locales/make_language_data.py from the npm package cldr-core. Copyright © Unicode, Inc., "
    "SPDX-License-Identifier: Unicode-3.0, see language_data.LICENSE."
)

Rule = tuple[str, str, int]
"""Desired, supported, distance; one direction only."""


def language_data(package: pathlib.Path) -> dict[str, Any]:
    """The part of CLDR that the matcher needs.

    `languages` and `scripts` map desired → supported → distance, scripts as "sr-Latn". `regions` are rules in the
    order to try, by language: script, desired, supported, distance, where `*` is any, `$x` a region of the variable x
    and `$!x` any other. `unrelated` is the distance where no rule applies. `variables` and `contains` list countries;
    `contains` has every region that consists of others.
    """
    supplemental = package / "supplemental"
    matching = _read(supplemental / "languageMatching.json")["languageMatching"]["written-new"]
    contained = {
        region: entry["_contains"]
        for region, entry in _read(supplemental / "territoryContainment.json")["territoryContainment"].items()
        if "-status-" not in region
    }
    levels: tuple[list[Rule], ...] = ([], [], [])
    for rule in matching["languageMatch"]:
        desired, supported, distance = rule["_desired"], rule["_supported"], rule["_distance"]
        level = levels[desired.count("-")]
        level.append((desired, supported, distance))
        if not rule.get("_oneway") and desired != supported:
            level.append((supported, desired, distance))
    languages, scripts, regions = levels

    return {
        "_notice": NOTICE,
        "version": _read(supplemental / "languageMatching.json")["version"]["_cldrVersion"],
        "paradigm_locales": matching["paradigmLocales"]["_locales"],
        "unrelated": [_unrelated(level) for level in levels],
        "languages": _table(languages),
        "scripts": _table(scripts),
        "regions": _by_language(regions),
        "variables": {
            name.removeprefix("$"): sorted(
                itertools.chain.from_iterable(_countries(region, contained) for region in entry["_value"].split("+"))
            )
            for name, entry in matching["matchVariables"].items()
        },
        "contains": {region: sorted(_countries(region, contained)) for region in contained},
    }


def _read(path: pathlib.Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["supplemental"]


def _unrelated(rules: list[Rule]) -> int:
    """The distance of the rule for any pair, which consists of asterisks."""
    return next(distance for desired, _, distance in rules if set(desired) <= {"*", "-"})


def _table(rules: list[Rule]) -> dict[str, dict[str, int]]:
    """The rules that name both sides; the first one of a pair wins."""
    table: dict[str, dict[str, int]] = {}
    for desired, supported, distance in rules:
        if "*" not in desired:
            table.setdefault(desired, {}).setdefault(supported, distance)
    return table


def _by_language(rules: list[Rule]) -> dict[str, list[tuple[str, str, str, int]]]:
    """The region rules by language, in CLDR's order."""
    by_language: dict[str, list[tuple[str, str, str, int]]] = {}
    for desired, supported, distance in rules:
        language, script, region = desired.split("-")
        if [language, script] != supported.split("-")[:2]:
            raise ValueError(
                f"expected one language and script on both sides of a region rule, got {desired} {supported}"
            )
        if language != "*":
            by_language.setdefault(language, []).append((script, region, supported.split("-")[2], distance))
    return by_language


def _countries(region: str, contained: dict[str, list[str]]) -> set[str]:
    """The regions within a region that contain no others."""
    if region not in contained:
        return {region}
    return set().union(*(_countries(part, contained) for part in contained[region]))


def write(package: pathlib.Path, to: pathlib.Path) -> None:
    """Write the table and its licence."""
    text = json.dumps(language_data(package), ensure_ascii=False, separators=(",", ":"))
    # One line per member, so that the diff to a new CLDR version is readable.
    lines = text.replace('},"', '},\n"').replace('],"', '],\n"')
    (to / "language_data.json").write_text(lines + "\n", encoding="utf-8")
    shutil.copyfile(package / "LICENSE", to / "language_data.LICENSE")


if __name__ == "__main__":
    write(*(pathlib.Path(argument) for argument in sys.argv[1:3]))
