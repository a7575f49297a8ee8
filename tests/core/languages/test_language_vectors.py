"""Language matching and parsing against the test vectors of ICU, golang/text, fluent, formatjs, WebOb and Django.

The vectors are not part of this repository. Where they are absent, all of this is skipped.
"""

import importlib.util
import json
import pathlib

import msgspec
import pytest

from service.core.languages import negotiation, tags
from service.core.languages.accept_language import Preference, parse_accept_language

REPOSITORY = pathlib.Path(__file__).parents[3]
VECTORS = REPOSITORY.parent / "shared" / "data" / "l10n"

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the language vectors are not beside this repository")


def vectors(name):
    path = VECTORS / name
    return json.loads(path.read_bytes())["vectors"] if path.is_file() else []


def named(name):
    return [pytest.param(vector, id=vector["id"]) for vector in vectors(name)]


@pytest.mark.parametrize("vector", named("negotiation_core.json"))
def test_best_fit_agrees_with_other_libraries(vector):
    found = negotiation.chain(
        vector["accept_language"],
        country=None,
        locales=tuple(vector["supported"]),
        default=vector["default"],
        max_distance=50,
    )

    assert found[0] == vector["expected"]


@pytest.mark.parametrize("vector", named("accept_language_parse.json"))
def test_header_is_parsed_as_recommended(vector):
    expected = msgspec.convert(vector["recommended"], Preference)

    assert parse_accept_language(vector["accept_language"]) == expected


def test_likely_subtags_are_those_of_cldr():
    """The column AddLikely; the other two are left out, as likely subtags are never removed here.

    Where CLDR answers FAIL, which is a language that it does not know, we leave the tag as it is.
    """
    newer = {"ku-IQ", "und-BY", "und-Cyrl-BY", "und-Latn-GE"}  # changed in CLDR 48; Babel 2.18 carries 47
    different = set()
    for tag, expected, *_ in vectors("likely_subtags.json"):
        subtags = tags.parse_tag(tag)
        full = tags.add_likely_subtags(subtags.language, subtags.script, subtags.region)
        if "-".join(filter(None, full)) != (tag if expected == "FAIL" else expected):
            different.add(tag)

    assert different <= newer


def test_canonical_locales_are_those_of_cldr():
    """All but the aliases of two subtags at once (`sgn-BR`, `no-bokmal`), which Babel does not carry."""
    newer = {"dek", "nte"}  # languages renamed in CLDR 48; Babel 2.18 carries 47
    aliases = json.loads((VECTORS / "cldr-48.2" / "aliases.json").read_bytes())
    of_two = [key.split("-") for key in aliases["supplemental"]["metadata"]["alias"]["languageAlias"] if "-" in key]
    subtags_of_two = {subtags[1] for subtags in of_two if len(subtags[1]) > 2}
    checked = 0
    for tag, expected in vectors("locale_canonicalization.json"):
        subtags = tag.split("_")
        if subtags[0] in newer | {"sgn"} or subtags_of_two & set(subtags):
            continue
        checked += 1
        assert negotiation.canonical_locale(tag) == expected.replace("_", "-")

    assert checked > 1500


def test_chain_agrees_with_rfc_4647_lookup():
    """RFC 4647 §3.4, without three kinds of vectors.

    Left out are a default *range*, which we do not have; an answer of "nothing", where we serve the default; and
    subtags behind the region, which only an exact lookup tells apart.
    """
    checked = 0
    for vector in vectors("rfc4647_lookup.json"):
        ranges = parse_accept_language(vector["accept_language"]).ranges
        parsed = [tags.parse_tag(tag) for tag in (*ranges, *vector["supported"]) if tag != "*"]
        if (
            vector["default_range"]
            or vector["expected"] is None
            or any(tag and (tag.rest or tag.variants) for tag in parsed)
        ):
            continue
        checked += 1
        default = vector["default_tag"] or vector["default"] or ""
        found = negotiation.chain(
            vector["accept_language"],
            country=None,
            locales=tuple(vector["supported"]),
            default=default,
            max_distance=50,
        )
        assert found[0] == vector["expected"], vector["id"]

    assert checked >= 10


@pytest.mark.parametrize("vector", named("rfc4647_filter.json"))
def test_ranges_cover_tags_by_prefix(vector):
    """RFC 4647 §3.3.1, the part that refusing needs. Its order is left out: best fit has its own."""
    preference = parse_accept_language(vector["accept_language"])

    covered = {
        tag
        for tag in vector["supported"]
        if negotiation._covered(tag.lower(), preference.ranges) >= 0
        and negotiation._covered(tag.lower(), preference.refused) < 0
    }

    assert covered == {tag for tag, _ in vector["expected"]}


def test_committed_matching_table_is_generated_from_cldr(tmp_path):
    script = REPOSITORY / "locales" / "make_language_data.py"
    spec = importlib.util.spec_from_file_location(script.stem, script)
    make_language_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_language_data)
    (tmp_path / "supplemental").symlink_to(VECTORS / "cldr-48.2")

    made = make_language_data.language_data(tmp_path)

    shipped = json.loads((REPOSITORY / "service" / "core" / "languages" / "language_data.json").read_bytes())
    assert shipped == json.loads(json.dumps(made))
